/** How long a phase lasts by the rules, and how much of it is over. */
import type { BattleView } from "./types";

/** Milliseconds of this phase as the rules have it; null where no time runs. */
export function lengthOf({ phase, options }: Pick<BattleView, "phase" | "options">): number | null {
  const seconds = {
    lobby: null,
    prompt: options.prompt_seconds,
    paint: options.paint_seconds,
    vote: options.vote_seconds,
    reveal: options.reveal_seconds,
    duel: options.duel_seconds,
    verdict: options.reveal_seconds / 2,
    finished: null,
  }[phase];
  return seconds === null ? null : Math.round(seconds * 1000 * options.pace);
}

/** Milliseconds since this phase began, as far as its deadline tells; an extended one has just begun. */
export function elapsed(view: Pick<BattleView, "phase" | "options">, left: number | null): number {
  const length = lengthOf(view);
  return length === null || left === null ? 0 : Math.max(0, length - left);
}
