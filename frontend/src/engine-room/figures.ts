/** The figures of the engine room: what they are called, what they say, and what they mean. */
import { hitRatio } from "./engine";
import type { MemeStats } from "./types";

export interface Figure {
  key: string;
  name: string;
  value: string;
  /** One line, for whoever wonders. */
  meaning: string;
  /** Something to look at: errors, a dependency away. */
  isBad?: boolean;
}

const UNKNOWN = "–";

/** All of them, in the order in which they are drawn; dashes before the first message. */
export function figures(stats: MemeStats | undefined): Figure[] {
  const totals = stats?.totals;
  return [
    {
      key: "rate",
      name: "Answers a second",
      value: stats ? stats.per_second.toFixed(stats.per_second < 10 ? 1 : 0) : UNKNOWN,
      meaning: "Memes and errors that left the platform, over the last seconds.",
    },
    {
      key: "p50",
      name: "Half within",
      value: duration(stats?.p50_ms),
      meaning: "Half of the answers of the last 30 seconds were painted faster than this (p50).",
    },
    {
      key: "p95",
      name: "95 % within",
      value: duration(stats?.p95_ms),
      meaning: "All but one in twenty were painted faster than this (p95).",
    },
    {
      key: "cache",
      name: "Cache hits",
      value: percent(stats),
      meaning: "Requests that were answered with a picture painted before, without asking the model.",
    },
    {
      key: "duplicates",
      name: "Duplicates filtered",
      value: number(totals?.duplicates),
      meaning: "The same request came twice, over NATS Core and JetStream or after a crash, and was done once.",
    },
    {
      key: "coalesced",
      name: "Shared work",
      value: number(totals?.coalesced),
      meaning: "Identical wishes at the same moment: one was painted, the others share its picture (coalesced).",
    },
    {
      key: "answered",
      name: "Answers",
      value: number(totals?.answered),
      meaning: "Every request gets exactly one answer; this counts them since the platform started.",
    },
    {
      key: "errors",
      name: "Errors",
      value: number(totals?.errors),
      meaning: "Answers that are no picture but a reason why not.",
      isBad: (totals?.errors ?? 0) > 0,
    },
    {
      key: "battles",
      name: "Battles",
      value: number(stats?.battles),
      meaning: "Battles that the workers look after at the moment.",
    },
  ];
}

/** What KEDA wants, by its own sum. */
export function sumOfKeda(stats: MemeStats | undefined): string {
  if (!stats) return "Point at a figure to read what it means.";
  const { lag_threshold, max_replicas } = stats;
  return `KEDA wants one worker for each ${lag_threshold} in the backlog, ${max_replicas} at most.`;
}

/** 1 234, 12.3 k, 1.2 M: never wider than its box. */
export function number(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  if (value < 10_000) return value.toLocaleString("en").replace(",", "\u2009");
  return value < 1_000_000 ? `${(value / 1000).toFixed(1)} k` : `${(value / 1_000_000).toFixed(1)} M`;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function percent(stats: MemeStats | undefined): string {
  const ratio = stats ? hitRatio(stats) : null;
  return ratio === null ? UNKNOWN : `${Math.round(ratio * 100)} %`;
}
