import { describe, expect, it } from "vitest";
import { crew, FAREWELL_MS, heard, hitRatio, isFresh, running, SILENCE_MS, SILENT, WINDOW_MS } from "./engine";
import { duration, figures, number } from "./figures";
import { spark } from "./spark";
import type { MemeStats, WorkerStats } from "./types";

const worker = (worker_id: string, state: WorkerStats["state"] = "idle"): WorkerStats => ({
  worker_id,
  state,
  in_work: 0,
  slots: 4,
  age_s: 1,
});

const stats = (at: number, change: Partial<MemeStats> = {}): MemeStats => ({
  gateway: "g1",
  at,
  lag: 0,
  wish: 0,
  lag_threshold: 10,
  max_replicas: 10,
  workers: [],
  totals: { answered: 0, errors: 0, cache_hits: 0, cache_misses: 0, duplicates: 0, coalesced: 0, provider_calls: 0 },
  per_second: 0,
  p50_ms: null,
  p95_ms: null,
  battles: 0,
  redis_up: true,
  ...change,
});

describe("the engine room", () => {
  it("keeps two minutes of the backlog", () => {
    let engine = heard(SILENT, stats(1, { lag: 7 }), 0);
    engine = heard(engine, stats(2, { lag: 8 }), WINDOW_MS - 1);
    engine = heard(engine, stats(3, { lag: 9 }), WINDOW_MS);
    expect(engine.samples.map((sample) => sample.lag)).toEqual([8, 9]);
  });

  it("does not jump back when two gateways tell", () => {
    const now = heard(SILENT, stats(1000, { lag: 5 }), 0);
    expect(heard(now, stats(900, { lag: 1, gateway: "g2" }), 100)).toBe(now);
  });

  it("believes a gateway whose clock is late when nobody else tells", () => {
    const before = heard(SILENT, stats(1000), 0);
    expect(heard(before, stats(900, { lag: 3 }), SILENCE_MS).stats?.lag).toBe(3);
  });

  it("says when it has heard nothing for three seconds", () => {
    const engine = heard(SILENT, stats(1), 0);
    expect(isFresh(engine, SILENCE_MS - 1)).toBe(true);
    expect(isFresh(engine, SILENCE_MS)).toBe(false);
    expect(isFresh(SILENT, 0)).toBe(false);
  });

  it("shows a worker leaving after it is gone, and lets it come back", () => {
    let engine = heard(SILENT, stats(1, { workers: [worker("w2"), worker("w1", "busy")] }), 0);
    engine = heard(engine, stats(2, { workers: [worker("w2")] }), 500);
    expect(crew(engine).map(({ worker_id, state }) => [worker_id, state])).toEqual([
      ["w1", "leaving"],
      ["w2", "idle"],
    ]);
    const gone = heard(engine, stats(3, { workers: [worker("w2")] }), 500 + FAREWELL_MS);
    expect(crew(gone).map((each) => each.worker_id)).toEqual(["w2"]);
    const back = heard(engine, stats(3, { workers: [worker("w2"), worker("w1", "new")] }), 1000);
    expect(crew(back).map((each) => each.state)).toEqual(["new", "idle"]);
  });

  it("takes a backlog that is missing for one that nobody knows", () => {
    const { lag: _, ...rest } = stats(1);
    expect(heard(SILENT, rest as MemeStats, 0).samples).toEqual([{ at: 0, lag: null }]);
  });

  it("counts who means to stay", () => {
    expect(running(stats(1, { workers: [worker("a"), worker("b", "leaving")] }))).toBe(1);
  });

  it("knows no ratio before the first look", () => {
    expect(hitRatio(stats(1))).toBeNull();
    const totals = { ...stats(1).totals, cache_hits: 1, cache_misses: 3 };
    expect(hitRatio(stats(1, { totals }))).toBe(0.25);
  });
});

describe("the figures", () => {
  it("are dashes before anything was heard", () => {
    expect(new Set(figures(undefined).map((figure) => figure.value))).toEqual(new Set(["–"]));
  });

  it("never get wider than their box", () => {
    expect([7, 9999, 12_345, 2_500_000].map(number)).toEqual(["7", "9\u2009999", "12.3 k", "2.5 M"]);
    expect([312.4, 1480, null].map(duration)).toEqual(["312 ms", "1.5 s", "–"]);
  });

  it("point at errors, by a word of their own and a mark", () => {
    const totals = { ...stats(1).totals, errors: 2 };
    expect(figures(stats(1, { totals })).find((figure) => figure.key === "errors")).toMatchObject({
      value: "2",
      isBad: true,
    });
  });
});

describe("the line of the backlog", () => {
  it("ends at the right edge and grows upwards", () => {
    const { line, ceiling } = spark(
      [
        { at: 0, lag: 0 },
        { at: WINDOW_MS, lag: 5 },
      ],
      WINDOW_MS,
      100,
      50,
    );
    expect(ceiling).toBe(10);
    expect(line).toBe("M0 50L100 25");
  });

  it("has a gap where the backlog was unknown", () => {
    const samples = [1, null, 2].map((lag, at) => ({ at: at * 1000, lag }));
    expect(spark(samples, 2000, 100, 50).line.match(/M/g)).toHaveLength(2);
  });

  it("is nothing without samples", () => {
    expect(spark([], 0, 100, 50)).toEqual({ line: "", area: "", ceiling: 10 });
  });
});
