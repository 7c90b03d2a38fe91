/**
 * What the engine room shows, folded from `meme.stats`. Pure: the clock comes in with every message.
 *
 * Two gateways may both tell for a moment, when the one that told has left. Whoever is older by the clock of
 * their message is passed over, so that the picture never jumps back.
 */
import type { MemeStats, WorkerStats } from "./types";

/** How far back the backlog is drawn. */
export const WINDOW_MS = 120_000;
/** After this long without news the numbers are old, and it is said so. */
export const SILENCE_MS = 3000;
/** A worker that left stays on the screen for so long, to be seen leaving. */
export const FAREWELL_MS = 2500;

/** The backlog at a moment of this page's clock; null where nobody knew. */
export interface Sample {
  at: number;
  lag: number | null;
}

export interface Departed extends WorkerStats {
  leftAt: number;
}

export interface Engine {
  stats: MemeStats | undefined;
  /** When the last message came, by this page's clock. */
  heardAt: number;
  samples: readonly Sample[];
  departed: readonly Departed[];
}

export const SILENT: Engine = { stats: undefined, heardAt: -Infinity, samples: [], departed: [] };

/** The engine room after this message, heard at `now`. */
export function heard(engine: Engine, stats: MemeStats, now: number): Engine {
  const before = engine.stats;
  if (before && stats.at <= before.at && isFresh(engine, now)) return engine;
  return {
    stats,
    heardAt: now,
    samples: [...engine.samples.filter((sample) => now - sample.at < WINDOW_MS), { at: now, lag: stats.lag ?? null }],
    departed: farewells(engine, stats.workers, now),
  };
}

export const isFresh = (engine: Engine, now: number): boolean => now - engine.heardAt < SILENCE_MS;

/** Every worker to draw, in an order that does not move while they come and go. */
export function crew(engine: Engine): WorkerStats[] {
  const all = [...(engine.stats?.workers ?? []), ...engine.departed];
  return all.sort((one, other) => (one.worker_id < other.worker_id ? -1 : 1));
}

/** How many are there and mean to stay. */
export const running = (stats: MemeStats): number =>
  stats.workers.filter((worker) => worker.state !== "leaving").length;

/** Of what was looked up, how much was there: 0 to 1, or null before the first look. */
export function hitRatio({ totals }: MemeStats): number | null {
  const looks = totals.cache_hits + totals.cache_misses;
  return looks === 0 ? null : totals.cache_hits / looks;
}

function farewells(engine: Engine, present: readonly WorkerStats[], now: number): Departed[] {
  const here = new Set(present.map((worker) => worker.worker_id));
  const gone = (engine.stats?.workers ?? []).map((worker) => ({
    ...worker,
    state: "leaving" as const,
    in_work: 0,
    leftAt: now,
  }));
  const known = [...engine.departed, ...gone];
  return known.filter((worker) => !here.has(worker.worker_id) && now - worker.leftAt < FAREWELL_MS);
}
