import { describe, expect, it } from "vitest";
import { LONGEST_MS, painters, withStatus, type Brushes } from "./brushes";

const NONE: Brushes = new Map();
const status = (request_id: string, state: string, worker = "w1") => ({ request_id, state, worker });

describe("who paints", () => {
  it("is known from the first stroke to the last", () => {
    const one = withStatus(NONE, status("KBDF-1", "running"), "KBDF", 0);
    const two = withStatus(one, status("KBDF-2", "running", "w2"), "KBDF", 1);
    expect(painters(two)).toEqual(["w1", "w2"]);
    expect(painters(withStatus(two, status("KBDF-1", "done"), "KBDF", 2))).toEqual(["w2"]);
  });

  it("is whoever took over last", () => {
    const first = withStatus(NONE, status("KBDF-1", "running"), "KBDF", 0);
    expect(painters(withStatus(first, status("KBDF-1", "running", "w2"), "KBDF", 5))).toEqual(["w2"]);
  });

  it("is nobody for another battle's memes, or for what is only in line", () => {
    expect(withStatus(NONE, status("KBDG-1", "running"), "KBDF", 0)).toBe(NONE);
    expect(withStatus(NONE, status("KBDF-1", "queued"), "KBDF", 0)).toBe(NONE);
  });

  it("is forgotten when the end was never heard", () => {
    const old = withStatus(NONE, status("KBDF-1", "running"), "KBDF", 0);
    expect(painters(withStatus(old, status("KBDF-2", "running", "w2"), "KBDF", LONGEST_MS))).toEqual(["w2"]);
  });
});
