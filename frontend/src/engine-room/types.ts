/** `meme.stats`: how the platform is, twice a second, by whichever gateway tells. */

export type WorkerState = "new" | "idle" | "busy" | "leaving";

export interface WorkerStats {
  worker_id: string;
  state: WorkerState;
  in_work: number;
  slots: number;
  age_s: number;
}

export interface Totals {
  answered: number;
  errors: number;
  cache_hits: number;
  cache_misses: number;
  duplicates: number;
  coalesced: number;
  provider_calls: number;
}

export interface MemeStats {
  gateway: string;
  /** Milliseconds since 1970, by the gateway's clock. */
  at: number;
  /** Requests that wait or are in work; missing when nobody knows. */
  lag?: number | null;
  /** How many workers KEDA would have now; missing when the lag is unknown. */
  wish?: number | null;
  lag_threshold: number;
  max_replicas: number;
  workers: WorkerStats[];
  totals: Totals;
  per_second: number;
  p50_ms?: number | null;
  p95_ms?: number | null;
  battles: number;
  redis_up: boolean;
}
