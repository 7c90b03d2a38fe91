/** The knock-out at the end: who is ahead. */
import type { DuelView } from "../types";

/** Votes for either side as a share of all; half and half before there are any. */
export function share(duel: DuelView): [number, number] {
  const [left, right] = [duel.votes_left ?? 0, duel.votes_right ?? 0];
  const all = left + right;
  return all === 0 ? [50, 50] : [Math.round((100 * left) / all), 100 - Math.round((100 * left) / all)];
}
