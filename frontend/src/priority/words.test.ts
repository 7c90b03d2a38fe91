import { expect, test } from "vitest";
import type { Rules } from "./types";
import { factorInWords, hours, move, points, slaHours } from "./words";

test.each([
  [0.05, "3 min"],
  [0.001, "1 min"],
  [1, "1 h"],
  [2.8, "2.8 h"],
  [47, "47 h"],
  [72, "3 days"],
  [108, "4.5 days"],
])("%d hours are %s", (count, words) => expect(hours(count)).toBe(words));

test.each([
  [2.44, "+2.4"],
  [-0.75, "−0.8"],
  [-0.01, "0.0"],
  [0, "0.0"],
])("%d points are %s", (value, words) => expect(points(value)).toBe(words));

test.each([
  [0, "stays"],
  [1, "up 1 place"],
  [-3, "down 3 places"],
])("a change of %d: %s", (change, words) => expect(move(change)).toBe(words));

test("a factor that this page does not know has a name all the same", () => {
  expect(factorInWords("moon_phase")).toBe("Moon phase");
});

test("the service level is that of the level, times that of the category", () => {
  const rules = {
    levels: [{ level: "HIGH", from_score: 6.5, sla_hours: 4 }],
    categories: { INFRASTRUCTURE: { sla_multiplier: 0.7 } },
  } as unknown as Rules;
  expect(slaHours(rules, "HIGH", "INFRASTRUCTURE")).toBeCloseTo(2.8);
  expect(slaHours(rules, "LOW", "INFRASTRUCTURE")).toBeUndefined();
});
