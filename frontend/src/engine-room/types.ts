/** `meme.stats`: how the platform is, twice a second, by whichever gateway tells; as the gateways' models have it. */
export type { Counters as Totals, MemeStats, WorkerState, WorkerVitals as WorkerStats } from "../../../asyncapi/types";
