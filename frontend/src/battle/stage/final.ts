/** The knock-out at the end: who is ahead, and who has won. */
import type { BattleView, DuelView, EntryView, PlayerView } from "../types";

/** Votes for either side as a share of all; half and half before there are any. */
export function share(duel: DuelView): [number, number] {
  const [left, right] = [duel.votes_left ?? 0, duel.votes_right ?? 0];
  const all = left + right;
  return all === 0 ? [50, 50] : [Math.round((100 * left) / all), 100 - Math.round((100 * left) / all)];
}

export interface Champions {
  /** The meme that won the battle, where one did. */
  entry: EntryView | undefined;
  /** Its maker; without a meme the players with the most points, who may be several. */
  players: readonly PlayerView[];
  /** Whether a knock-out made them champions. */
  byKnockout: boolean;
}

/** Who is celebrated at the end. */
export function champions(view: BattleView): Champions {
  const winner = view.champion ?? view.duels.at(-1)?.winner;
  const won = winner && view.entries.find((entry) => entry.id === winner);
  if (won) return { entry: won, players: makers(view, won), byKnockout: view.duels.length > 0 };
  const leaders = view.players.filter((player) => player.rank === 1 && player.points > 0 && !player.is_out);
  const seats = new Set(leaders.map((player) => player.seat));
  const shown = view.entries.filter((entry) => entry.image_url && entry.seat && seats.has(entry.seat));
  return { entry: leaders.length === 1 ? shown[0] : undefined, players: leaders, byKnockout: false };
}

const makers = (view: BattleView, { seat }: EntryView): PlayerView[] =>
  view.players.filter((player) => player.seat === seat);
