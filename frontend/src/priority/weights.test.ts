import { expect, test } from "vitest";
import { WEIGHTED } from "./types";
import { moved, percentsOf, weightsOf, type Percents } from "./weights";

const USUAL = { urgency: 0.3, business_impact: 0.25, risk: 0.2, role_weight: 0.15, time_sensitivity: 0.1 };
const sum = (percents: Percents) => WEIGHTED.reduce((total, name) => total + percents[name], 0);

test("the usual weights are whole percents", () => {
  expect(percentsOf(USUAL)).toEqual({ urgency: 30, business_impact: 25, risk: 20, role_weight: 15, time_sensitivity: 10 });
  expect(weightsOf(percentsOf(USUAL))).toEqual(USUAL);
});

test("what one gains the others lose, in proportion; of equal halves the first is rounded up", () => {
  expect(moved(percentsOf(USUAL), "risk", 60)).toEqual({
    urgency: 15,
    business_impact: 13,
    risk: 60,
    role_weight: 7,
    time_sensitivity: 5,
  });
});

test("all for one, and back: the others begin as equals", () => {
  const all = moved(percentsOf(USUAL), "urgency", 100);
  expect(all).toEqual({ urgency: 100, business_impact: 0, risk: 0, role_weight: 0, time_sensitivity: 0 });
  expect(moved(all, "urgency", 60)).toEqual({
    urgency: 60,
    business_impact: 10,
    risk: 10,
    role_weight: 10,
    time_sensitivity: 10,
  });
});

test("they add up to 100 wherever the sliders are dragged, and nothing is below 0", () => {
  let percents = percentsOf(USUAL);
  let number = 7;
  for (let step = 0; step < 2000; step += 1) {
    number = (number * 16807) % 2147483647; // a fixed sequence that looks like chance
    percents = moved(percents, WEIGHTED[number % 5]!, (number >> 8) % 120);
    expect(sum(percents)).toBe(100);
    expect(Math.min(...WEIGHTED.map((name) => percents[name]))).toBeGreaterThanOrEqual(0);
  }
});
