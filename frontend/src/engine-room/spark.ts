/** The backlog as a line: from samples to SVG coordinates. */
import { WINDOW_MS, type Sample } from "./engine";

export interface Spark {
  /** Path of the line; a gap where the backlog was unknown. */
  line: string;
  /** The same, closed down to the floor. */
  area: string;
  /** What the top edge stands for. */
  ceiling: number;
}

const SCALES = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** Draw into a box; the right edge is `now`, the left one two minutes ago. */
export function spark(samples: readonly Sample[], now: number, width: number, height: number): Spark {
  const ceiling = roundUp(Math.max(0, ...samples.map((sample) => sample.lag ?? 0)));
  const x = (at: number) => round(width - ((now - at) / WINDOW_MS) * width);
  const y = (lag: number) => round(height - (lag / ceiling) * height);
  const pieces = unbroken(samples).map((piece) => piece.map(({ at, lag }) => `${x(at)} ${y(lag)}`));
  return {
    line: pieces.map((points) => `M${points.join("L")}`).join(""),
    area: pieces.map((points) => closed(points, height)).join(""),
    ceiling,
  };
}

type Known = { at: number; lag: number };

function unbroken(samples: readonly Sample[]): Known[][] {
  const pieces: Known[][] = [];
  let current: Known[] = [];
  for (const { at, lag } of samples) {
    if (lag === null) current = [];
    else if (current.push({ at, lag }) === 1) pieces.push(current);
  }
  return pieces;
}

function closed(points: string[], height: number): string {
  const [first, last] = [points[0]!, points.at(-1)!];
  return `M${first.split(" ")[0]} ${height}L${points.join("L")}L${last.split(" ")[0]} ${height}Z`;
}

const roundUp = (most: number): number => SCALES.find((scale) => most <= scale) ?? Math.ceil(most / 10_000) * 10_000;

const round = (value: number): number => Math.round(value * 10) / 10;
