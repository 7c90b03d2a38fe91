import { crew, running, type Engine } from "./engine";
import type { MemeStats, WorkerState, WorkerStats } from "./types";

const MOST_GHOSTS = 12;
const MOST_SLOTS = 8;

/** The workers, each a little painter, and beside them those that KEDA would like to have. */
export function Crew({ engine }: { engine: Engine }) {
  const { stats } = engine;
  const here = stats ? running(stats) : 0;
  const wanted = Math.max(0, (stats?.wish ?? here) - here);
  return (
    <section className="crew" aria-labelledby="crew-title">
      <h3 id="crew-title">
        {here} {here === 1 ? "worker" : "workers"}
        <span className="wish"> · {stats ? wish(stats, here) : "nobody has said hello yet"}</span>
      </h3>
      <ul className="painters">
        {crew(engine).map((worker) => (
          <Painter key={worker.worker_id} worker={worker} />
        ))}
        {Array.from({ length: Math.min(wanted, MOST_GHOSTS) }, (_, at) => (
          <li key={`wanted-${at}`} className="painter" data-state="wanted" aria-hidden="true">
            <Face state="wanted" />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Painter({ worker }: { worker: WorkerStats }) {
  const { worker_id, state, in_work, slots } = worker;
  return (
    <li className="painter" data-state={state} data-worker={worker_id}>
      <Face state={state} />
      <span className="slots" aria-hidden="true">
        {Array.from({ length: Math.min(slots, MOST_SLOTS) }, (_, at) => (
          <i key={at} data-full={at < in_work} />
        ))}
      </span>
      <span className="state">{state}</span>
      <span className="unseen">
        , {in_work} of {slots} at once, {worker_id}
      </span>
      <span className="tag" aria-hidden="true">
        {shortened(worker_id)}
      </span>
    </li>
  );
}

/** New: an egg. Idle: a square that smiles. Busy: a round one with a brush. Leaving: one that waves. */
function Face({ state }: { state: WorkerState | "wanted" }) {
  return (
    <svg className="face" viewBox="0 0 64 64" aria-hidden="true">
      {state === "new" && <path className="body" d="M32 6C46 6 54 26 54 38a22 20 0 0 1-44 0C10 26 18 6 32 6Z" />}
      {state === "idle" && <rect className="body" x="8" y="8" width="48" height="48" rx="10" />}
      {state === "busy" && <circle className="body" cx="32" cy="32" r="26" />}
      {state === "leaving" && <path className="body" d="M10 56V26a22 22 0 0 1 44 0v30l-8-7-7 7-7-7-7 7-7-7Z" />}
      {state === "wanted" && <rect className="body" x="8" y="8" width="48" height="48" rx="10" />}
      <Features state={state} />
    </svg>
  );
}

function Features({ state }: { state: WorkerState | "wanted" }) {
  switch (state) {
    case "new":
      return <path className="lines" d="M14 30l6-5 6 6 6-6 6 6 6-6 6 5M26 42v3M38 42v3" />;
    case "idle":
      return <path className="lines" d="M22 25v4M42 25v4M20 39q12 9 24 0" />;
    case "busy":
      return (
        <>
          <path className="lines" d="M23 24v4M41 24v4M24 40a8 8 0 0 0 14 0Z" />
          <path className="brush-arm" d="M42 50l14-22 5 3-14 22-6 4Z" />
        </>
      );
    case "leaving":
      return <path className="lines" d="M24 25v4M40 25v4M27 38q5 4 10 0" />;
    case "wanted":
      return <path className="lines" d="M32 22v20M22 32h20" />;
  }
}

function wish({ wish, max_replicas }: MemeStats, here: number): string {
  if (wish == null) return "KEDA cannot see the backlog";
  const most = wish === max_replicas ? ", the most it may" : "";
  const difference = Math.abs(wish - here);
  return `KEDA wants ${wish}${most}${difference === 0 ? "" : `: ${difference} ${wish > here ? "more" : "fewer"}`}`;
}

/** The end of a pod's name is what differs. */
const shortened = (id: string): string => (id.length <= 8 ? id : `…${id.slice(-6)}`);
