/** The gallery as tiles: pictures that are there, and those that are being painted. */
import type { BattleView, EntryView } from "../types";

export type Tile =
  | { kind: "picture"; key: string; entry: EntryView }
  | { kind: "covered"; key: string }
  | { kind: "waiting"; key: string }
  | { kind: "failed"; key: string; error: string }
  | { kind: "painting"; key: string; worker: string }
  | { kind: "inLine"; key: string };

/**
 * One tile for each meme of this round; the workers that paint stand on the first ones that are not there. While
 * prompts come in those that are painted lie face down: who had handed in last would be known as their maker.
 */
export function tiles(
  { phase, entries, entered, painted }: Pick<BattleView, "phase" | "entries" | "entered" | "painted">,
  workers: readonly string[],
): Tile[] {
  const settled = phase === "prompt" ? Array.from({ length: painted }, coveredTile) : entries.flatMap(settledTile);
  const pending = Math.max(0, entered - painted);
  return [...settled, ...Array.from({ length: pending }, (_, at) => pendingTile(at, workers[at]))];
}

const coveredTile = (_: unknown, at: number): Tile => ({ kind: "covered", key: `covered-${at}` });

function settledTile(entry: EntryView): Tile[] {
  if (entry.is_waiting) return [{ kind: "waiting", key: entry.id }];
  if (entry.image_url) return [{ kind: "picture", key: entry.id, entry }];
  return entry.error ? [{ kind: "failed", key: entry.id, error: entry.error }] : [];
}

const pendingTile = (at: number, worker: string | undefined): Tile =>
  worker ? { kind: "painting", key: `pending-${at}`, worker } : { kind: "inLine", key: `pending-${at}` };

/** How many columns make square tiles the largest in a box of this ratio (width over height). */
export function columnsFor(count: number, ratio: number): number {
  if (count <= 1) return 1;
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const side = Math.min(ratio / columns, 1 / Math.ceil(count / columns));
    if (side > best.side) best = { columns, side };
  }
  return best.columns;
}
