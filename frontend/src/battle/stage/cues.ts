/** Which sound goes with what has changed. */
import type { BattleView } from "../types";

export type Cue = "arrival" | "handIn" | "gong" | "fanfare";

type Seen = Pick<BattleView, "phase" | "round" | "seats" | "entered" | "duels">;

/** What to play after this change; nothing when nothing began, and nobody came. */
export function cueFor(before: Seen | undefined, after: Seen): Cue | undefined {
  if (!before) return undefined;
  if (before.phase !== after.phase || before.round !== after.round || before.duels.length !== after.duels.length) {
    return after.phase === "finished" ? "fanfare" : "gong";
  }
  if (after.seats > before.seats) return "arrival";
  return after.phase === "prompt" && after.entered > before.entered ? "handIn" : undefined;
}
