import { describe, expect, it } from "vitest";
import { asStored } from "./stored";

// [what somebody writes, what `memebattle.battle.names.shown` makes of it]
const KEPT: readonly [string, string][] = [
  ["top line | bottom line", "top line | bottom line"],
  ["  when it works\n\tnobody   knows why ", "when it works nobody knows why"],
  ["one\u00a0two\u3000three", "one two three"],
  ["soft\u00adly \u200bdoes\ufeff it", "softly does it"],
  ["\u202egnp.exe", "gnp.exe"],
  ["be\u0007ll\u0085", "bell"],
  ["cafe\u0301", "caf\u00e9"],
  ["z\u0300\u0301\u0302\u0303\u0304", "z\u0300\u0301"],
  ["\u200dcat\u200c", "cat"],
  ["\u{1f469}\u200d\u{1f680} at work", "\u{1f469}\u200d\u{1f680} at work"],
  ["\u3164\u2800", ""],
];

describe("asStored", () => {
  it.each(KEPT)("finds %j in what the server keeps of it", (written, kept) => {
    expect(asStored(written)).toBe(kept);
    expect(asStored(kept)).toBe(kept);
  });

  it("still tells lines apart", () => {
    expect(asStored("a cat")).not.toBe(asStored("acat"));
    expect(asStored("a cat")).not.toBe(asStored("A cat"));
  });
});
