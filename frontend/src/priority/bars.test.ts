import { expect, test } from "vitest";
import { axisOf, row, scaleOfRows, scaleOfSides, side, strongest } from "./bars";
import type { Contribution } from "./types";

const parts = (...points: number[]): Contribution[] =>
  points.map((each, at) => ({ factor: `f${at}`, value: each, weight: 1, points: each, origin: "given" }));

test("what raises a score stands right of the axis, what lowers it left, one behind the other", () => {
  const contributions = parts(4, -1, 2, -1);
  const scale = scaleOfRows([contributions, parts(8)]);
  expect(scale).toEqual({ lowest: -2, highest: 8 });
  expect(axisOf(scale)).toBe(20);
  expect(row(contributions, scale)).toEqual([
    { left: 20, width: 40 },
    { left: 10, width: 10 },
    { left: 60, width: 20 },
    { left: 0, width: 10 },
  ]);
});

test("without anything below zero the axis is the left edge", () => {
  expect(axisOf(scaleOfRows([parts(1, 2), parts(3)]))).toBe(0);
});

test("bars by themselves all begin at the axis", () => {
  const contributions = parts(3, -1);
  const scale = scaleOfSides(contributions);
  expect(contributions.map(({ points }) => side(points, scale))).toEqual([
    { left: 25, width: 75 },
    { left: 0, width: 25 },
  ]);
});

test("no tasks and no points are no division by zero", () => {
  expect(axisOf(scaleOfRows([]))).toBe(0);
  expect(side(0, scaleOfSides(parts(0)))).toEqual({ left: 0, width: 0 });
});

test("the strongest count whichever way they point", () => {
  expect(strongest(parts(1, -3, 2, 0), 2).map(({ points }) => points)).toEqual([-3, 2]);
});
