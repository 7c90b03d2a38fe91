import { describe, expect, it } from "vitest";
import type { EntryView } from "../types";
import { columnsFor, tiles } from "./tiles";

const entry = (id: string, change: Partial<EntryView> = {}): EntryView => ({ id, is_waiting: false, ...change });

describe("the tiles of a gallery", () => {
  it("show what is there, what failed, who paints and what is in line", () => {
    const entries = [entry("a", { image_url: "/a" }), entry("b", { error: "too slow" }), entry("c")];
    const kinds = tiles({ phase: "paint", entries, entered: 4, painted: 2 }, ["w1"]).map((tile) => tile.kind);
    expect(kinds).toEqual(["picture", "failed", "painting", "inLine"]);
  });

  it("lie face down while prompts come in", () => {
    const kinds = tiles({ phase: "prompt", entries: [], entered: 4, painted: 2 }, ["w1"]).map((tile) => tile.kind);
    expect(kinds).toEqual(["covered", "covered", "painting", "inLine"]);
  });

  it("keep back what the host has not let in", () => {
    const entries = [entry("a", { image_url: "/a", is_waiting: true })];
    expect(tiles({ phase: "paint", entries, entered: 1, painted: 1 }, [])).toEqual([{ kind: "waiting", key: "a" }]);
  });

  it("leave out what was taken off", () => {
    expect(tiles({ phase: "paint", entries: [entry("a")], entered: 1, painted: 1 }, [])).toEqual([]);
  });
});

describe("the columns", () => {
  it.each([
    [0, 1.6, 1],
    [1, 1.6, 1],
    [2, 1.6, 2],
    [12, 2.5, 6],
    [200, 2.5, 23],
    [4, 0.25, 1],
  ])("for %i tiles in a box of ratio %f are %i", (count, ratio, columns) => {
    expect(columnsFor(count, ratio)).toBe(columns);
  });
});
