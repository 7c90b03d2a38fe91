/** Who won, read from a view: for the reveal, the final and the podium. */
import type { BattleView, DuelView, EntryView, PlayerView, SeatView, StandingView } from "./types";

export const entryOf = (view: BattleView, id: string | null | undefined): EntryView | undefined =>
  view.entries.find((entry) => entry.id === id);

export const makerOf = (view: BattleView, entry: EntryView | undefined): PlayerView | undefined =>
  view.players.find((player) => player.seat === entry?.seat);

/** The match that is on, or was last. */
export const lastDuel = (view: BattleView): DuelView | undefined => view.duels.at(-1);

/** Whether the champion is found in this match. */
export const isLastDuel = (view: BattleView, duel: DuelView): boolean => duel.number === view.matches;

/** My line in this round's result. */
export const myStanding = (view: BattleView, me: SeatView | undefined): StandingView | undefined =>
  me?.standing ?? view.board.find((line) => line.entry === me?.entry);

/** The meme of the battle. */
export const champion = (view: BattleView): EntryView | undefined => entryOf(view, view.champion);

export interface Champions {
  /** The meme that won the battle, where one did. */
  entry: EntryView | undefined;
  /** Its maker; without a meme the players with the most points, who may be several. */
  players: readonly PlayerView[];
  /** Whether a knock-out made them champions. */
  byKnockout: boolean;
}

/** Who is celebrated at the end: who won the final; where none was played to its end, the points decide. */
export function champions(view: BattleView): Champions {
  const final = lastDuel(view);
  const won = final && isLastDuel(view, final) ? entryOf(view, final.winner) : undefined;
  if (won) return { entry: won, players: view.players.filter(({ seat }) => seat === won.seat), byKnockout: true };
  const leaders = view.players.filter((player) => player.rank === 1 && player.points > 0 && !player.is_out);
  const seats = new Set(leaders.map((player) => player.seat));
  const shown = view.entries.filter((entry) => entry.image_url && entry.seat && seats.has(entry.seat));
  return { entry: leaders.length === 1 ? shown[0] : undefined, players: leaders, byKnockout: false };
}

/** Whether I am one of them. A phone is told of three leaders only, and there may be more. */
export function isChampion({ byKnockout, players }: Champions, me: SeatView | undefined): boolean {
  if (!me?.is_player) return false;
  return byKnockout ? players.some((player) => player.seat === me.seat) : me.rank === 1 && me.points > 0;
}

/** The three steps: who has how many points; equal points stand on the same one. */
export const podium = (view: BattleView): PlayerView[] =>
  view.players.filter((player) => !player.is_out && player.rank <= 3).slice(0, 3);

/** What has to be said about a line, lest the order claims more than the votes do. */
export function doubtInWords(line: StandingView): string | undefined {
  if (line.is_tied) return "a tie";
  if (line.is_close) return "too close to call";
  return undefined;
}

export const duelName = (duel: DuelView): string => `duel${duel.number}`;
