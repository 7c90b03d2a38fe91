import { useEffect, useMemo, useState } from "react";
import { go } from "../ui/route";
import type { RoomProps } from "../ui/rooms";
import { useStore } from "../ui/use";
import { Board } from "./board";
import { Details } from "./Details";
import { FromFile } from "./FromFile";
import type { Filter } from "./http";
import { List, type Line } from "./List";
import "./priority.css";
import { TaskForm } from "./TaskForm";
import { CATEGORIES, LEVELS, type Category, type Ranking, type RankedTask, type Simulated, type UrgencyLevel } from "./types";
import { useSimulation } from "./useSimulation";
import { percentsOf } from "./weights";
import { WhatIf, type Trial } from "./WhatIf";
import { CATEGORY, LEVEL } from "./words";

const SIDES = { task: "A task", file: "A file", trial: "What if" } as const;
type Side = keyof typeof SIDES;

const MAX_BATCH = 500; // until the rules say

/** What comes first, and why: tasks go in on one side, their ranking stands on the other. */
export default function PriorityRoom({ route }: RoomProps) {
  const [board] = useState(() => new Board());
  useEffect(() => {
    board.open();
    return () => board.close();
  }, [board]);
  const { ranking, rules, filter, trouble } = useStore(board);
  const [side, setSide] = useState<Side>("task");
  const [chosen, setTrial] = useState<Trial>();
  const usual = useMemo<Trial | undefined>(
    () => rules && { model: "weighted", percents: percentsOf(rules.weights) },
    [rules],
  );
  const trial = side === "trial" ? (chosen ?? usual) : undefined;
  const ids = ranking?.items.map((task) => task.request_id) ?? [];
  const simulation = useSimulation(ids, trial);
  const opened = route.query.get("task");
  const open = (id: string) => go(`#/priority?task=${encodeURIComponent(id)}`);
  // the sheet is also closed by leaving this room, and then this is the wrong way
  const close = () => window.location.hash.startsWith("#/priority?") && go("#/priority");

  return (
    <div className="priority">
      <header className="head">
        <h1>What comes first?</h1>
        <p>Say what has to be done. The score says how urgent it is, and why; you have the last word.</p>
      </header>
      <div className="columns">
        <div className="inlet panel">
          <div className="sides-of-inlet" role="group" aria-label="What to do">
            {(Object.keys(SIDES) as Side[]).map((each) => (
              <button key={each} aria-pressed={side === each} onClick={() => setSide(each)}>
                {SIDES[each]}
              </button>
            ))}
          </div>
          {side === "task" && <TaskForm onTaken={board.look} onOpen={open} />}
          {side === "file" && <FromFile most={rules?.max_batch ?? MAX_BATCH} onTaken={board.look} />}
          {side === "trial" && rules && trial && (
            <WhatIf trial={trial} rules={rules} trouble={simulation.trouble} onTry={setTrial} />
          )}
        </div>
        <section className="ranking" aria-labelledby="ranking">
          <div className="head-of-ranking">
            <h2 id="ranking">
              {trial ? "The ranking, if" : "The ranking"} {ranking && <small>{countOf(ranking)}</small>}
            </h2>
            <Filters filter={filter} onFilter={(next) => board.show(next)} />
          </div>
          {trouble && <p className="trouble">{trouble}</p>}
          {ranking?.items.length === 0 && <Nothing filter={filter} onFile={() => setSide("file")} />}
          {ranking && <List lines={linesOf(ranking, trial && simulation.items)} rules={rules} onOpen={open} />}
          {board.hasMore && <button onClick={() => board.more()}>Show more</button>}
        </section>
      </div>
      {opened && <Details key={opened} id={opened} onClose={close} onDecided={board.look} />}
    </div>
  );
}

function Filters({ filter, onFilter }: { filter: Filter; onFilter: (filter: Filter) => void }) {
  const { level, category } = filter;
  return (
    <div className="filters">
      <select
        aria-label="Level"
        value={level ?? ""}
        onChange={(event) => onFilter({ ...(category && { category }), ...chosen("level", event.target.value as UrgencyLevel | "") })}
      >
        <option value="">All levels</option>
        {LEVELS.map((each) => (
          <option key={each} value={each}>
            {LEVEL[each]}
          </option>
        ))}
      </select>
      <select
        aria-label="Category"
        value={category ?? ""}
        onChange={(event) => onFilter({ ...(level && { level }), ...chosen("category", event.target.value as Category | "") })}
      >
        <option value="">All categories</option>
        {CATEGORIES.map((each) => (
          <option key={each} value={each}>
            {CATEGORY[each]}
          </option>
        ))}
      </select>
    </div>
  );
}

const chosen = <K extends keyof Filter>(name: K, value: NonNullable<Filter[K]> | ""): Filter =>
  value === "" ? {} : { [name]: value };

function Nothing({ filter, onFile }: { filter: Filter; onFile: () => void }) {
  if (filter.level || filter.category) return <p className="empty">No task is like that.</p>;
  return (
    <div className="notice panel">
      <p>Nothing has to be done. Enjoy it, or add the first task.</p>
      <button onClick={onFile}>Take some examples</button>
    </div>
  );
}

function countOf({ total, truncated }: Ranking): string {
  const tasks = total === 1 ? "1 task" : `${total} tasks`;
  return truncated ? `the ${tasks} that count most` : tasks;
}

/** As ranked, or in the order and with the scores of a simulation, as far as that knows them. */
function linesOf(ranking: Ranking, simulated: readonly Simulated[] | undefined): Line[] {
  const tried = new Map(simulated?.map((each) => [each.request_id, each]));
  const lines = ranking.items.map((task) => lineOf(task, tried.get(task.request_id)));
  return simulated ? lines.sort((one, other) => one.rank - other.rank) : lines;
}

function lineOf(task: RankedTask, tried: Simulated | undefined): Line {
  const { rank, urgency_level: level, score, escalation_required: isUrgent, contributions } = tried
    ? { ...tried }
    : { ...task, score: task.effective_score };
  return {
    id: task.request_id,
    rank,
    title: task.title,
    category: task.category,
    role: task.requester_role,
    level,
    score,
    waitedHours: task.waited_hours,
    isDecided: task.overridden && !tried,
    isUrgent,
    contributions,
    ...(tried && { change: tried.rank_change }),
  };
}
