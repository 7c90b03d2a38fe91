/** Where the bars of contributions stand: to the right of an axis what raises a score, to its left what lowers it. */
import type { Contribution } from "./types";

/** In percent of the width. */
export interface Bar {
  left: number;
  width: number;
}

/** Where zero is, in percent of the width, when several charts have to share one scale. */
export interface Scale {
  lowest: number;
  highest: number;
}

/** One bar per contribution, all from the axis on. */
export function side(value: number, scale: Scale): Bar {
  return between(0, value, scale);
}

/** All in a row: what raises the score from the axis to the right, what lowers it to the left, in their order. */
export function row(contributions: readonly Contribution[], scale: Scale): Bar[] {
  let [below, above] = [0, 0];
  return contributions.map(({ points }) => {
    if (points < 0) return between(below, (below += points), scale);
    return between(above, (above += points), scale);
  });
}

/** The scale that holds every row of `tasks`; it is never empty. */
export function scaleOfRows(tasks: readonly (readonly Contribution[])[]): Scale {
  const sums = tasks.map((each) => [sumOf(each, -1), sumOf(each, 1)] as const);
  return {
    lowest: Math.min(0, ...sums.map(([below]) => below)),
    highest: Math.max(1, ...sums.map(([, above]) => above)),
  };
}

/** The scale that holds every single contribution. */
export function scaleOfSides(contributions: readonly Contribution[]): Scale {
  const points = contributions.map((each) => each.points);
  return { lowest: Math.min(0, ...points), highest: Math.max(0.1, ...points) };
}

export const axisOf = (scale: Scale): number => at(0, scale);

/** The contributions that matter most, whichever way. */
export function strongest(contributions: readonly Contribution[], count: number): Contribution[] {
  return [...contributions].sort((one, other) => Math.abs(other.points) - Math.abs(one.points)).slice(0, count);
}

function between(from: number, to: number, scale: Scale): Bar {
  const [left, right] = [at(Math.min(from, to), scale), at(Math.max(from, to), scale)];
  return { left, width: right - left };
}

const at = (value: number, { lowest, highest }: Scale): number => ((value - lowest) / (highest - lowest)) * 100;

const sumOf = (contributions: readonly Contribution[], sign: 1 | -1): number =>
  contributions.reduce((sum, { points }) => sum + (Math.sign(points) === sign ? points : 0), 0);
