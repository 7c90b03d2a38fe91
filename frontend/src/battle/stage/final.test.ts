import { describe, expect, it } from "vitest";
import { aDuel } from "../examples";
import { share } from "./final";

describe("the bars", () => {
  it("add up to all votes", () => {
    expect(share(aDuel({ votes_left: 2, votes_right: 1 }))).toEqual([67, 33]);
  });

  it("stand at half when nobody has voted", () => {
    expect(share(aDuel({ votes_left: 0, votes_right: 0 }))).toEqual([50, 50]);
  });
});
