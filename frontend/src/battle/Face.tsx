import type { ReactNode } from "react";
import "./faces.css";

/*
 * A face from a number: colour, head, eyes and mouth are its digits, so that a thousand numbers are a thousand
 * faces; what is worn on the head is thrown in. Drawn in a square of 100, with one pen.
 */

export const FACES = 1000;

const COLOURS = ["#ffcf33", "#ff7d9c", "#5fd6b0", "#7fb0ff", "#c69bff", "#ff9d5c", "#a7d948", "#f3c9a5"];

const HEADS = [
  "M50 20c24 0 36 14 36 36S72 92 50 92 14 78 14 56 26 20 50 20Z",
  "M28 22h44q14 0 14 14v40q0 15-15 15H29q-15 0-15-15V36q0-14 14-14Z",
  "M20 14l17 12q13-4 26 0l17-12 5 34c4 26-12 44-35 44S11 74 15 48Z",
  "M50 12c6 14 38 30 38 52 0 18-16 29-38 29S12 82 12 64c0-22 32-38 38-52Z",
  "M30 28c6-14 34-14 40 0 18 0 24 20 14 30 8 14-4 30-18 28-8 9-24 9-32 0-14 2-26-14-18-28-10-10-4-30 14-30Z",
];

const EYES: readonly ReactNode[] = [
  <g key="dots" className="inked">
    <circle cx="36" cy="52" r="5" />
    <circle cx="64" cy="52" r="5" />
  </g>,
  <path key="glad" d="M29 54q7-10 14 0M57 54q7-10 14 0" />,
  <g key="wide">
    <circle cx="36" cy="51" r="9" fill="#fff" />
    <circle cx="64" cy="51" r="9" fill="#fff" />
    <circle className="inked" cx="38" cy="52" r="4" />
    <circle className="inked" cx="62" cy="52" r="4" />
  </g>,
  <g key="wink">
    <path d="M29 52h14" />
    <circle className="inked" cx="64" cy="52" r="5" />
    <path d="M56 40q8-5 15 0" />
  </g>,
  <g key="glasses">
    <circle cx="35" cy="52" r="11" fill="#fff" />
    <circle cx="65" cy="52" r="11" fill="#fff" />
    <path d="M46 51q4-3 8 0" />
    <g className="inked">
      <circle cx="35" cy="52" r="4" />
      <circle cx="65" cy="52" r="4" />
    </g>
  </g>,
];

const MOUTHS: readonly ReactNode[] = [
  <path key="smile" d="M37 70q13 12 26 0" />,
  <path key="laugh" d="M36 68h28q-2 16-14 16t-14-16Z" fill="#8b1e3f" />,
  <g key="tooth">
    <path d="M36 70h28" />
    <path d="M52 70v8h8v-8" fill="#fff" />
  </g>,
  <circle key="oh" cx="50" cy="74" r="6" fill="#8b1e3f" />,
  <path key="cat" d="M36 69q7 9 14 0 7 9 14 0" />,
];

const HATS: readonly ReactNode[] = [
  null,
  <g key="antenna">
    <path className="outside" d="M50 22q-2-8 4-14" />
    <circle cx="56" cy="7" r="5" fill="#ff6b8a" />
  </g>,
  <path key="bow" d="M50 18 33 9v18Zm0 0 17-9v18Z" fill="#ff6b8a" />,
  <path key="crown" d="M31 24V6l10 9 9-12 9 12 10-9v18Z" fill="#ffe27a" />,
  <path key="leaf" d="M50 22C50 8 62 4 72 6c0 10-8 16-22 16Z" fill="#4fae5b" />,
  <path key="cap" d="M24 27q2-22 26-22t26 22l16 3H24Z" fill="#4f7ff0" />,
  <path key="tuft" className="outside" d="M42 23q-4-10 3-14 0 8 5 10 1-9 9-11-3 8 0 15" />,
];

/** Somebody's face; decoration beside their name. */
export function Face({ number, size = 48 }: { number: number; size?: number }) {
  const whole = Math.abs(Math.trunc(number)) % FACES;
  const [colour, head, eyes, mouth] = [
    whole % 8,
    Math.floor(whole / 8) % 5,
    Math.floor(whole / 40) % 5,
    Math.floor(whole / 200),
  ];
  return (
    <svg className="player-face" viewBox="0 0 100 100" width={size} height={size} aria-hidden="true">
      <path d={HEADS[head]} fill={COLOURS[colour]} />
      {HATS[(whole * 5 + head) % HATS.length]}
      {EYES[eyes]}
      {MOUTHS[mouth]}
    </svg>
  );
}
