import { describe, expect, it } from "vitest";
import { elapsed, lengthOf } from "../times";
import type { BattleView, Phase } from "../types";
import { isOnlyHere, joinUrl, shortAddress } from "./address";
import { cueFor } from "./cues";
import { shortcutFor } from "./keys";

const options = {
  prompt_seconds: 60,
  paint_seconds: 45,
  vote_seconds: 45,
  reveal_seconds: 12,
  duel_seconds: 20,
  pace: 1.5,
} as BattleView["options"];

describe("the length of a phase", () => {
  it.each<[Phase, number | null]>([
    ["lobby", null],
    ["prompt", 90_000],
    ["reveal", 18_000],
    ["verdict", 9000],
    ["finished", null],
  ])("%s is %s ms at a pace of one and a half", (phase, length) => {
    expect(lengthOf({ phase, options })).toBe(length);
  });

  it("tells how much is over", () => {
    expect(elapsed({ phase: "reveal", options }, 12_000)).toBe(6000);
    expect(elapsed({ phase: "reveal", options }, 40_000)).toBe(0);
    expect(elapsed({ phase: "lobby", options }, null)).toBe(0);
  });
});

describe("a sound", () => {
  const seen = { phase: "prompt", round: 1, seats: 3, entered: 1, duels: [] } as Parameters<typeof cueFor>[1];

  it("belongs to every beginning", () => {
    expect(cueFor(seen, { ...seen, phase: "paint" })).toBe("gong");
    expect(cueFor(seen, { ...seen, phase: "finished" })).toBe("fanfare");
  });

  it("belongs to who comes and who hands in", () => {
    expect(cueFor(seen, { ...seen, seats: 4 })).toBe("arrival");
    expect(cueFor(seen, { ...seen, entered: 2 })).toBe("handIn");
  });

  it("does not belong to what was there before, or to nothing", () => {
    expect(cueFor(undefined, seen)).toBeUndefined();
    expect(cueFor(seen, { ...seen })).toBeUndefined();
    expect(cueFor(seen, { ...seen, seats: 2 })).toBeUndefined();
  });
});

describe("a key", () => {
  const key = (name: string, on = "body", hasModifier = false) => shortcutFor({ key: name, on, hasModifier });

  it("runs the battle from anywhere on the page", () => {
    expect([" ", "n", "e", "x"].map((name) => key(name))).toEqual(["pause", "skip", "engine", undefined]);
  });

  it("stays with what has the focus", () => {
    expect(key(" ", "button")).toBeUndefined();
    expect(key("n", "input")).toBeUndefined();
    expect(key("n", "button")).toBe("skip");
  });

  it("stays with the browser when it is held with another", () => {
    expect(key("n", "body", true)).toBeUndefined();
  });
});

describe("the address for phones", () => {
  const page = { origin: "http://192.168.1.5:8000", pathname: "/", host: "192.168.1.5:8000", hostname: "192.168.1.5" };

  it("leads straight into the battle", () => {
    expect(joinUrl("KBDF", page)).toBe("http://192.168.1.5:8000/#/battle/KBDF");
    expect(shortAddress(page)).toBe("192.168.1.5:8000/battle");
  });

  it("is of no use when it means the phone itself", () => {
    expect(["localhost", "127.0.0.1", "[::1]"].every((hostname) => isOnlyHere({ hostname }))).toBe(true);
    expect(isOnlyHere(page)).toBe(false);
  });
});
