/**
 * The result of a round as a story: third, second, first, then everything.
 *
 * Ties are told as ties: who shares a place comes out together, and who shares the first place shares it.
 */
import type { StandingView } from "./types";

/** A place on the podium and everybody who has it. */
export interface Place {
  rank: number;
  standings: readonly StandingView[];
}

/** How many places are told; the rest stands in the list. */
export const PLACES = 3;
/** The share of a reveal after which the winner is out. */
const TOLD_AFTER = 0.6;

/** The best places, the last one first: the order in which they are told. */
export function places(board: readonly StandingView[]): Place[] {
  const top = board.filter((standing) => standing.rank <= PLACES);
  const ranks = [...new Set(top.map((standing) => standing.rank))].sort((one, other) => other - one);
  return ranks.map((rank) => ({ rank, standings: top.filter((standing) => standing.rank === rank) }));
}

/** How many of so many places are told, `elapsed` milliseconds into a reveal of `total`. */
export function told(count: number, elapsed: number, total: number): number {
  if (count === 0) return 0;
  const step = (total * TOLD_AFTER) / count;
  return Math.min(count, Math.max(0, Math.floor(elapsed / step + 0.5)));
}

const ORDINALS = ["First", "Second", "Third"];

export const placeInWords = (rank: number): string => ORDINALS[rank - 1] ?? `Place ${rank}`;
