/**
 * The codewords of a QR code (ISO/IEC 18004): the text as bytes, then what repairs a torn or dirty print.
 *
 * Error correction is level M throughout: a seventh of the picture may be lost. Versions up to 10 hold 213 bytes,
 * and a link to a battle has about 40.
 */

/** Per version: all codewords, those for correction in each block, and the number of blocks. */
const SIZES: readonly (readonly [number, number, number])[] = [
  [26, 10, 1],
  [44, 16, 1],
  [70, 26, 1],
  [100, 18, 2],
  [134, 24, 2],
  [172, 16, 4],
  [196, 18, 4],
  [242, 22, 4],
  [292, 22, 5],
  [346, 26, 5],
];
const BYTE_MODE = 4;
const PADDING = [0xec, 0x11];

/** The smallest version (1 to 10) that holds so many bytes; throws a RangeError when none does. */
export function versionFor(length: number): number {
  const index = SIZES.findIndex((_, at) => 4 + lengthBits(at + 1) + 8 * length <= 8 * dataWords(at + 1));
  if (index < 0) throw new RangeError(`${length} bytes are too many for a QR code of version 10`);
  return index + 1;
}

/** All codewords in the order in which they are drawn: the blocks interleaved, data first. */
export function codewords(bytes: Uint8Array, version: number): number[] {
  const [, correction, count] = SIZES[version - 1]!;
  const blocks = inBlocks(padded(bytes, version), count);
  const factors = generator(correction);
  return [...interleaved(blocks), ...interleaved(blocks.map((block) => remainder(block, factors)))];
}

const lengthBits = (version: number): number => (version < 10 ? 8 : 16);

function dataWords(version: number): number {
  const [all, correction, blocks] = SIZES[version - 1]!;
  return all - correction * blocks;
}

function padded(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const write = (value: number, count: number) => {
    for (let bit = count - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  write(BYTE_MODE, 4);
  write(bytes.length, lengthBits(version));
  bytes.forEach((byte) => write(byte, 8));
  const room = 8 * dataWords(version);
  write(0, Math.min(4, room - bits.length));
  write(0, -bits.length & 7);
  for (let turn = 0; bits.length < room; turn ^= 1) write(PADDING[turn]!, 8);
  return Array.from({ length: room / 8 }, (_, at) => Number.parseInt(bits.slice(8 * at, 8 * at + 8).join(""), 2));
}

/** Blocks of equal length; the last ones have one more where it does not divide. */
function inBlocks(words: number[], count: number): number[][] {
  const short = Math.floor(words.length / count);
  const firstLong = count - (words.length % count);
  return Array.from({ length: count }, (_, at) => {
    const start = at * short + Math.max(0, at - firstLong);
    return words.slice(start, start + short + (at >= firstLong ? 1 : 0));
  });
}

function interleaved(blocks: number[][]): number[] {
  const longest = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: longest }, (_, at) => blocks.flatMap((block) => block[at] ?? [])).flat();
}

/** Reed-Solomon: the product of (x - 2^i), highest power left out. */
function generator(degree: number): number[] {
  const factors = [...Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let at = 0; at < degree; at++) factors[at] = times(factors[at]!, root) ^ (factors[at + 1] ?? 0);
    root = times(root, 2);
  }
  return factors;
}

function remainder(block: number[], factors: number[]): number[] {
  const rest = factors.map(() => 0);
  for (const word of block) {
    const lead = word ^ rest.shift()!;
    rest.push(0);
    factors.forEach((factor, at) => (rest[at]! ^= times(factor, lead)));
  }
  return rest;
}

/** Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(one: number, other: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((other >> bit) & 1) * one;
  }
  return product;
}
