import { describe, expect, it } from "vitest";
import type { StandingView } from "./types";
import { placeInWords, places, told } from "./drama";

const standing = (entry: string, rank: number): StandingView => ({
  entry,
  rank,
  points: 500,
  wins: 0,
  games: 0,
  is_tied: false,
  is_close: false,
});

const names = (board: StandingView[]) =>
  places(board).map(({ rank, standings }) => [rank, standings.map((each) => each.entry)]);

describe("the places of a result", () => {
  it("are told from the third to the first", () => {
    const board = [standing("a", 1), standing("b", 2), standing("c", 3), standing("d", 4)];
    expect(names(board)).toEqual([
      [3, ["c"]],
      [2, ["b"]],
      [1, ["a"]],
    ]);
  });

  it("are shared by those who are tied", () => {
    expect(names([standing("a", 1), standing("b", 1), standing("c", 3)])).toEqual([
      [3, ["c"]],
      [1, ["a", "b"]],
    ]);
    expect(names([standing("a", 1), standing("b", 2), standing("c", 2)])).toEqual([
      [2, ["b", "c"]],
      [1, ["a"]],
    ]);
  });

  it("are none when nothing was compared", () => {
    expect(places([])).toEqual([]);
  });

  it("have names", () => {
    expect([1, 2, 3, 4].map(placeInWords)).toEqual(["First", "Second", "Third", "Place 4"]);
  });
});

describe("how much is told", () => {
  it("grows from nothing to everything in the first part of the reveal", () => {
    const counts = [0, 1500, 3600, 6000, 12_000].map((elapsed) => told(3, elapsed, 12_000));
    expect(counts).toEqual([0, 1, 2, 3, 3]);
  });

  it("is everything at once where a reveal has no time, and nothing of nothing", () => {
    expect(told(2, 1, 0)).toBe(2);
    expect(told(0, 5000, 12_000)).toBe(0);
  });
});
