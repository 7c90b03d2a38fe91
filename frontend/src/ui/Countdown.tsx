import { useTick } from "./use";

interface Props {
  /** Milliseconds until the time is over; null draws nothing, but keeps the place. */
  left: () => number | null;
  /** Milliseconds that a full ring stands for. */
  total: number;
  isPaused?: boolean;
}

const URGENT_MS = 10_000;

/** A ring that empties, and the seconds. What it means for the game is announced elsewhere, once. */
export function Countdown({ left, total, isPaused = false }: Props) {
  useTick(200);
  const now = left();
  if (now === null) return null;
  const share = Math.min(1, Math.max(0, now / Math.max(1, total)));
  const seconds = Math.ceil(now / 1000);
  return (
    <div
      className="countdown"
      role="timer"
      data-urgent={now <= URGENT_MS && !isPaused}
      data-paused={isPaused}
      data-long={seconds >= 100}
    >
      <svg viewBox="0 0 100 100" aria-hidden="true">
        <circle cx="50" cy="50" r="42" />
        <circle className="run" cx="50" cy="50" r="42" pathLength="100" strokeDashoffset={100 - 100 * share} />
      </svg>
      <span>
        {isPaused ? "paused" : inWords(seconds)}
        <span className="unseen"> {isPaused ? `with ${seconds} seconds left` : "seconds left"}</span>
      </span>
    </div>
  );
}

const inWords = (seconds: number): string =>
  seconds < 100 ? String(seconds) : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
