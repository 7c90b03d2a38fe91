/**
 * Which worker paints for this battle right now, folded from `meme.status.*`.
 *
 * The ids of a battle's requests begin with its code. Nobody but their makers knows which meme a request is for,
 * and the screen does not need to: that a worker paints is all it shows.
 */

export interface Brush {
  worker: string;
  since: number;
}

export type Brushes = ReadonlyMap<string, Brush>;

interface Status {
  request_id: string;
  state: string;
  worker: string;
}

/** A status may get lost; nobody paints one picture for longer than this. */
export const LONGEST_MS = 90_000;

/** The brushes after this status, heard at `now`; the same object when it is about another battle. */
export function withStatus(brushes: Brushes, status: Status, code: string, now: number): Brushes {
  if (!status.request_id.startsWith(`${code}-`)) return brushes;
  const isRunning = status.state === "running";
  if (!isRunning && !brushes.has(status.request_id)) return brushes;
  const next = new Map([...brushes].filter(([, brush]) => now - brush.since < LONGEST_MS));
  next.delete(status.request_id);
  if (isRunning) next.set(status.request_id, { worker: status.worker, since: now });
  return next;
}

/** Who paints, one name per picture in work, in the order in which they began. */
export const painters = (brushes: Brushes): string[] => [...brushes.values()].map((brush) => brush.worker);
