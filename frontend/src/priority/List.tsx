import { useRef } from "react";
import { scaleOfRows } from "./bars";
import { Escalation, Legend, Level, Parts } from "./parts";
import type { Category, Contribution, RequesterRole, Rules, UrgencyLevel } from "./types";
import { useGliding } from "./useGliding";
import { CATEGORY, hours, move, ROLE, score, slaHours } from "./words";

/** A task in its place: as ranked, or as a simulation would have it. */
export interface Line {
  id: string;
  rank: number;
  title: string;
  category: Category;
  role: RequesterRole;
  level: UrgencyLevel;
  score: number;
  waitedHours: number;
  isDecided: boolean;
  isUrgent: boolean;
  contributions: readonly Contribution[];
  /** Places it would rise; only in a simulation. */
  change?: number;
}

interface Props {
  lines: readonly Line[];
  rules: Rules | undefined;
  onOpen: (id: string) => void;
}

/** The tasks, the most urgent first. */
export function List({ lines, rules, onOpen }: Props) {
  const list = useRef<HTMLOListElement>(null);
  useGliding(list, lines.map((line) => line.id).join());
  const scale = scaleOfRows(lines.map((line) => line.contributions));
  const factors = lines.flatMap((line) => line.contributions.map((each) => each.factor));
  return (
    <>
      <Legend factors={factors} />
      <ol className="tasks" ref={list}>
        {lines.map((line) => (
          <li key={line.id} className="task panel" data-id={line.id} data-level={line.level}>
            <span className="rank">
              <span className="unseen">Place </span>
              {line.rank}
            </span>
            <div className="what">
              <h3>
                <button className="title" dir="auto" onClick={() => onOpen(line.id)}>
                  {line.title}
                </button>
              </h3>
              <ul className="facts">
                <li>
                  <Level level={line.level} />
                </li>
                {line.isUrgent && (
                  <li>
                    <Escalation />
                  </li>
                )}
                {factsOf(line, rules).map((fact) => (
                  <li key={fact}>{fact}</li>
                ))}
              </ul>
              <Parts contributions={line.contributions} scale={scale} />
            </div>
            <p className="score">
              <span className="unseen">Score </span>
              {score(line.score)}
              {line.change !== undefined && <Move change={line.change} />}
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}

function factsOf({ category, role, level, waitedHours, isDecided }: Line, rules: Rules | undefined): string[] {
  const sla = rules && slaHours(rules, level, category);
  return [
    isDecided ? "decided by a person" : "",
    sla === undefined ? "" : `within ${hours(sla)}`,
    CATEGORY[category],
    ROLE[role],
    waitedHours < 0.05 ? "" : `waits ${hours(waitedHours)}`,
  ].filter(Boolean);
}

function Move({ change }: { change: number }) {
  const sign = change > 0 ? "▲" : change < 0 ? "▼" : "=";
  return (
    <span className="move" data-way={Math.sign(change)}>
      <span aria-hidden="true">
        {sign} {change === 0 ? "" : Math.abs(change)}
      </span>
      <span className="unseen">, {move(change)}</span>
    </span>
  );
}
