/**
 * A QR code as rows of dark and light squares (ISO/IEC 18004), without the quiet border of four squares.
 *
 * Codewords come from `qr-words.ts`. Here they are drawn around the fixed patterns, and of the eight masks the
 * one is taken that leaves the picture the least misleading for a camera.
 */
import { codewords, versionFor } from "./qr-words";

type Grid = boolean[][];

const ALIGNMENT: readonly (readonly number[])[] = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
];

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** The code of this text; throws a RangeError when it is longer than 213 bytes. */
export function qr(text: string): Grid {
  const bytes = new TextEncoder().encode(text);
  const version = versionFor(bytes.length);
  const words = codewords(bytes, version);
  const candidates = MASKS.map((_, mask) => new Drawing(version, mask).finished(words));
  return candidates.reduce((best, each) => (penalty(each) < penalty(best) ? each : best));
}

class Drawing {
  private readonly size: number;
  private readonly dark: Grid;
  private readonly fixed: Grid;

  constructor(
    private readonly version: number,
    private readonly mask: number,
  ) {
    this.size = 17 + 4 * version;
    this.dark = squares(this.size);
    this.fixed = squares(this.size);
  }

  finished(words: number[]): Grid {
    this.timing();
    this.finders();
    this.alignments();
    this.format();
    this.versionNumber();
    this.data(words);
    return this.dark;
  }

  private set(x: number, y: number, isDark: boolean): void {
    this.dark[y]![x] = isDark;
    this.fixed[y]![x] = true;
  }

  private timing(): void {
    for (let at = 0; at < this.size; at++) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
  }

  private finders(): void {
    const far = this.size - 4;
    for (const [x, y] of [
      [3, 3],
      [far, 3],
      [3, far],
    ] as const)
      this.rings(x, y, 4, [0, 1, 3]);
  }

  private alignments(): void {
    const places = ALIGNMENT[this.version - 1]!;
    const last = places.at(-1);
    for (const x of places)
      for (const y of places) {
        const isFinder = (x === 6 && y === 6) || (x === 6 && y === last) || (x === last && y === 6);
        if (!isFinder) this.rings(x, y, 2, [0, 2]);
      }
  }

  /** Squares within squares: dark where the distance from the middle is one of these. */
  private rings(middleX: number, middleY: number, reach: number, darkAt: number[]): void {
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const [x, y] = [middleX + dx, middleY + dy];
        const isInside = x >= 0 && y >= 0 && x < this.size && y < this.size;
        if (isInside) this.set(x, y, darkAt.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
  }

  /** Level M and the mask, protected by a BCH code, twice. */
  private format(): void {
    let rest = this.mask;
    for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
    const bits = ((this.mask << 10) | rest) ^ 0x5412;
    const bit = (at: number) => ((bits >> at) & 1) === 1;
    const far = this.size - 1;
    for (let i = 0; i < 6; i++) this.set(8, i, bit(i));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let i = 9; i < 15; i++) this.set(14 - i, 8, bit(i));
    for (let i = 0; i < 8; i++) this.set(far - i, 8, bit(i));
    for (let i = 8; i < 15; i++) this.set(8, far - 14 + i, bit(i));
    this.set(8, far - 7, true);
  }

  /** From version 7 on the number is drawn too, twice. */
  private versionNumber(): void {
    if (this.version < 7) return;
    let rest = this.version;
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
    const bits = (this.version << 12) | rest;
    for (let i = 0; i < 18; i++) {
      const [near, far] = [Math.floor(i / 3), this.size - 11 + (i % 3)];
      this.set(far, near, ((bits >> i) & 1) === 1);
      this.set(near, far, ((bits >> i) & 1) === 1);
    }
  }

  /** Two columns at a time from the right, up and down in turns, around everything that is fixed. */
  private data(words: number[]): void {
    let next = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      const isUpward = ((right + 1) & 2) === 0;
      for (let step = 0; step < this.size; step++)
        for (const x of [right, right - 1]) {
          const y = isUpward ? this.size - 1 - step : step;
          if (this.fixed[y]![x]) continue;
          const bit = ((words[next >> 3] ?? 0) >> (7 - (next & 7))) & 1;
          this.dark[y]![x] = (bit === 1) !== MASKS[this.mask]!(x, y);
          next++;
        }
    }
  }
}

/** The four rules of the standard: long runs, blocks, what looks like a finder, and too much of one colour. */
export function penalty(grid: Grid): number {
  const columns = grid.map((_, x) => grid.map((row) => row[x]!));
  const lines = [...grid, ...columns].map((line) => line.map((isDark) => (isDark ? "1" : "0")).join(""));
  const total = grid.length ** 2;
  const dark = grid.flat().filter(Boolean).length;
  return (
    lines.reduce((sum, line) => sum + runs(line) + 40 * finderLikes(line), 0) +
    3 * blocks(grid) +
    10 * Math.max(0, Math.ceil(Math.abs(20 * dark - 10 * total) / total) - 1)
  );
}

const runs = (line: string): number => (line.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);

function finderLikes(line: string): number {
  return (line.match(/(?=10111010000)/g) ?? []).length + (line.match(/(?=00001011101)/g) ?? []).length;
}

function blocks(grid: Grid): number {
  let found = 0;
  for (let y = 1; y < grid.length; y++)
    for (let x = 1; x < grid.length; x++) {
      const isDark = grid[y]![x];
      if (grid[y - 1]![x] === isDark && grid[y]![x - 1] === isDark && grid[y - 1]![x - 1] === isDark) found++;
    }
  return found;
}

const squares = (size: number): Grid => Array.from({ length: size }, () => Array<boolean>(size).fill(false));
