import { describe, expect, it } from "vitest";
import { penalty, qr } from "./qr";
import { codewords, versionFor } from "./qr-words";

const drawn = (grid: boolean[][]): string[] => grid.map((row) => row.map((isDark) => (isDark ? "#" : ".")).join(""));

/** The fifteen bits around the upper left finder, as a camera reads them. */
function formatOf(grid: boolean[][]): number {
  const places: [number, number][] = [];
  for (let i = 0; i < 6; i++) places.push([8, i]);
  places.push([8, 7], [8, 8], [7, 8]);
  for (let i = 9; i < 15; i++) places.push([14 - i, 8]);
  return places.reduce((bits, [x, y], at) => bits | (Number(grid[y]![x]) << at), 0);
}

describe("a QR code", () => {
  it("begins with its mode, its length, its bytes and the padding", () => {
    const bytes = new TextEncoder().encode("hello");
    const words = codewords(bytes, 1);
    expect(words.slice(0, 16)).toEqual([64, 86, 134, 86, 198, 198, 240, 236, 17, 236, 17, 236, 17, 236, 17, 236]);
    expect(words).toHaveLength(26);
  });

  it("is divisible by its generator, so that a camera finds no error", () => {
    const words = codewords(new TextEncoder().encode("http://memes.local/#/battle/KBDF"), 3);
    for (let root = 0; root < 26; root++) expect(valueAt(words, root)).toBe(0);
  });

  it.each([
    [1, 14],
    [2, 26],
    [3, 42],
    [4, 62],
    [5, 84],
    [6, 106],
    [7, 122],
    [8, 152],
    [9, 180],
    [10, 213],
  ])("of version %i holds %i bytes", (version, bytes) => {
    expect(versionFor(bytes)).toBe(version);
    expect(qr("x".repeat(bytes))).toHaveLength(17 + 4 * version);
  });

  it("does not pretend to hold more than it can", () => {
    expect(() => qr("x".repeat(214))).toThrow(RangeError);
  });

  it("has its finders, its timing and a valid format", () => {
    const grid = qr("http://192.168.178.20:8000/#/battle/BCDF");
    const rows = drawn(grid);
    const finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];
    expect(rows.slice(0, 7).map((row) => row.slice(0, 7))).toEqual(finder);
    expect(rows.slice(0, 7).map((row) => row.slice(-7))).toEqual(finder);
    expect(rows.slice(-7).map((row) => row.slice(0, 7))).toEqual(finder);
    expect(rows[6]!.slice(8, -8)).toMatch(/^(#\.)*#$/);
    expect(bchRemainder(formatOf(grid) ^ 0x5412)).toBe(0);
    expect((formatOf(grid) ^ 0x5412) >> 13).toBe(0); // level M
  });

  it("takes the mask with the least penalty", () => {
    const plain = Array.from({ length: 21 }, () => Array<boolean>(21).fill(true));
    expect(penalty(qr("memebattle"))).toBeLessThan(penalty(plain));
  });
});

function bchRemainder(bits: number): number {
  for (let at = 14; at >= 10; at--) if ((bits >> at) & 1) bits ^= 0x537 << (at - 10);
  return bits;
}

/** The polynomial of these codewords at 2^root in GF(256); zero for each root of the generator. */
function valueAt(words: number[], root: number): number {
  const times = (one: number, other: number): number => {
    let product = 0;
    for (let bit = 7; bit >= 0; bit--) {
      product = (product << 1) ^ ((product >> 7) * 0x11d);
      if ((other >> bit) & 1) product ^= one;
    }
    return product;
  };
  let x = 1;
  for (let i = 0; i < root; i++) x = times(x, 2);
  return words.reduce((value, word) => times(value, x) ^ word, 0);
}
