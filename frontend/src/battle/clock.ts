/**
 * The server's clock, guessed from the times its messages were made.
 *
 * A message is always a little old when it arrives, so each one makes the server's clock look late. Of the last
 * few the one that makes it look least late had the shortest way, and is the best guess.
 */

const SAMPLES = 12;

export class ServerClock {
  private offsets: number[] = [];

  constructor(private readonly here: () => number = Date.now) {}

  /** A message that was made at this time by the server's clock has just arrived. */
  note(madeAt: number): void {
    this.offsets = [...this.offsets, madeAt - this.here()].slice(-SAMPLES);
  }

  /** Milliseconds since 1970, as the server would say. */
  now(): number {
    return this.here() + (this.offsets.length > 0 ? Math.max(...this.offsets) : 0);
  }
}

interface Timed {
  deadline?: number | null;
  remaining?: number | null;
}

/** Milliseconds until the deadline, or what is left of a stopped clock; null where no time runs. */
export function leftOf(view: Timed | undefined, now: number): number | null {
  if (view?.remaining != null) return view.remaining;
  return view?.deadline == null ? null : Math.max(0, view.deadline - now);
}
