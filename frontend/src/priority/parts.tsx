/** Small parts that several views of a task share: a level by word and shape, and bars to both sides. */
import { axisOf, row, side, strongest, type Bar, type Scale } from "./bars";
import type { Contribution, UrgencyLevel } from "./types";
import { factorInWords, LEVEL, originInWords, points } from "./words";

const SHAPES: Record<UrgencyLevel, string> = {
  CRITICAL: "M6 1h8l5 5v8l-5 5H6l-5-5V6z",
  HIGH: "M10 1.5 19 18H1z",
  MEDIUM: "M10 1l9 9-9 9-9-9z",
  LOW: "M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
};

export function Level({ level }: { level: UrgencyLevel }) {
  return (
    <span className="level" data-level={level}>
      <svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true">
        <path d={SHAPES[level]} />
      </svg>
      {LEVEL[level]}
    </span>
  );
}

export const Escalation = () => (
  <span className="escalation">
    <svg width="16" height="16" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 8v4h3l7 5V3L5 8zM15 6q3 4 0 8" />
    </svg>
    Call somebody
  </span>
);

/** The score of a task in one line: its parts in a row, and the strongest of them in words. */
export function Parts({ contributions, scale }: { contributions: readonly Contribution[]; scale: Scale }) {
  const bars = row(contributions, scale);
  const named = strongest(contributions, 3).map(({ factor, points: value }) => `${factorInWords(factor)} ${points(value)}`);
  return (
    <div className="parts">
      <div className="track-of-parts" aria-hidden="true">
        {contributions.map(({ factor }, at) => (
          <Piece key={factor} factor={factor} bar={bars[at]!} />
        ))}
        <Axis scale={scale} />
      </div>
      <p className="strongest">{named.join(" · ")}</p>
    </div>
  );
}

/** The same as a table, a line for every part. */
export function Sides({ contributions, scale }: { contributions: readonly Contribution[]; scale: Scale }) {
  return (
    <table className="sides">
      <caption className="unseen">What each factor did to the score</caption>
      <thead className="unseen">
        <tr>
          <th scope="col">Factor</th>
          <th scope="col">Bar</th>
          <th scope="col">Points</th>
        </tr>
      </thead>
      <tbody>
        {contributions.map(({ factor, origin, points: value }) => (
          <tr key={factor}>
            <th scope="row">
              {factorInWords(factor)} <small>{originInWords(origin)}</small>
            </th>
            <td>
              <div className="track-of-parts" aria-hidden="true">
                <Piece factor={factor} bar={side(value, scale)} />
                <Axis scale={scale} />
              </div>
            </td>
            <td className="figure">{points(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Which pattern is which factor; factors of one name have one pattern. */
export function Legend({ factors }: { factors: readonly string[] }) {
  const named = new Map(factors.map((factor) => [factorInWords(factor), factor]));
  return (
    <ul className="legend" aria-hidden="true">
      {[...named].map(([name, factor]) => (
        <li key={name}>
          <span className="piece" data-factor={factor} />
          {name}
        </li>
      ))}
    </ul>
  );
}

function Piece({ factor, bar }: { factor: string; bar: Bar }) {
  return <span className="piece" data-factor={factor} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />;
}

function Axis({ scale }: { scale: Scale }) {
  return scale.lowest < 0 ? <span className="axis" style={{ left: `${axisOf(scale)}%` }} /> : null;
}
