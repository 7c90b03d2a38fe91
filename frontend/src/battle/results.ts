/** Who won, read from a view: for the reveal, the final and the podium. */
import type { BattleView, DuelView, EntryView, PlayerView, SeatView, StandingView } from "./types";

export const entryOf = (view: BattleView, id: string | null | undefined): EntryView | undefined =>
  view.entries.find((entry) => entry.id === id);

export const makerOf = (view: BattleView, entry: EntryView | undefined): PlayerView | undefined =>
  view.players.find((player) => player.seat === entry?.seat);

/** The match that is on, or was last. */
export const lastDuel = (view: BattleView): DuelView | undefined => view.duels.at(-1);

/** My line in this round's result. */
export const myStanding = (view: BattleView, me: SeatView | undefined): StandingView | undefined =>
  me?.standing ?? view.board.find((line) => line.entry === me?.entry);

/** The meme of the battle. */
export const champion = (view: BattleView): EntryView | undefined => entryOf(view, view.champion);

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
