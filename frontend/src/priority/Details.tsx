import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useStore } from "../ui/use";
import { Voice } from "../ui/Voice";
import { scaleOfSides } from "./bars";
import { Chapters } from "./Chapters";
import { Deciding } from "./Deciding";
import { Escalation, Level, Sides } from "./parts";
import { Story } from "./story";
import type { PriorityResult, TaskState } from "./types";
import { CATEGORY, hours, MODEL, percent, ROLE, score, skippedInWords } from "./words";

interface Props {
  id: string;
  onClose: () => void;
  /** Something was decided, so that the ranking may be another one. */
  onDecided: () => void;
}

/** All about one task, on a sheet above the ranking. */
export function Details({ id, onClose, onDecided }: Props) {
  const sheet = useRef<HTMLDialogElement>(null);
  const [story] = useState(() => new Story(id));
  const { state, chapters, trouble } = useStore(story);
  useLayoutEffect(() => {
    const dialog = sheet.current;
    dialog?.showModal();
    // also when the back button takes it away: closing is what gives the focus back
    return () => dialog?.close();
  }, []);
  useEffect(() => {
    story.open();
    return () => story.close();
  }, [story]);
  const title = state?.result?.task.title ?? "A task";
  return (
    <dialog
      ref={sheet}
      className="sheet"
      aria-labelledby="sheet-title"
      onClose={onClose}
      onClick={(event) => event.target === sheet.current && sheet.current.close()}
    >
      <div className="inside">
        <header>
          <h2 id="sheet-title" dir="auto">
            {title}
          </h2>
          <button className="small" onClick={() => sheet.current?.close()}>
            Close
          </button>
        </header>
        {!state && <p className="soft">{trouble ?? "One moment …"}</p>}
        {state && <Where state={state} />}
        {state?.result && <Why result={state.result} state={state} />}
        {state?.result && (
          <Deciding
            state={state}
            onDecided={(next) => {
              story.stands(next);
              onDecided();
            }}
          />
        )}
        <Chapters chapters={chapters} />
        <Voice />
      </div>
    </dialog>
  );
}

const STATES = { queued: "In line", processing: "Being scored", failed: "Not scored", cancelled: "Called off" };

function Where({ state }: { state: TaskState }) {
  const { urgency_level: level, final_priority_score: points, result, error, override } = state;
  const isWithdrawn = override?.action === "withdraw";
  return (
    <div className="where">
      {state.state !== "completed" && <p className="soft">{STATES[state.state]}</p>}
      {error && <p className="complaint">{error.error}</p>}
      {level && points != null && (
        <p className="big">
          <strong>{score(points)}</strong> <Level level={level} />
          {result?.escalation_required && <Escalation />}
        </p>
      )}
      {isWithdrawn && <p className="soft">Taken out of the ranking.</p>}
      {override?.action === "set" && <p className="soft">Decided by {override.by || "a person"}.</p>}
    </div>
  );
}

function Why({ result, state }: { result: PriorityResult; state: TaskState }) {
  const advice = [...new Set([...(state.suggestions?.suggestions ?? []), ...(result.suggestions ?? [])])];
  return (
    <>
      <h3>Why</h3>
      <p className="reasoning">{result.reasoning}</p>
      <Sides contributions={result.contributions} scale={scaleOfSides(result.contributions)} />
      {advice.length > 0 && (
        <>
          <h3>What to do</h3>
          <ul className="advice">
            {advice.map((each) => (
              <li key={each} dir="auto">
                {each}
              </li>
            ))}
          </ul>
          {state.suggestions?.origin === "llm" && <p className="soft">The first ones are a language model’s.</p>}
        </>
      )}
      <h3>About it</h3>
      {result.task.description && (
        <p className="description" dir="auto">
          {result.task.description}
        </p>
      )}
      <Facts result={result} id={state.request_id} />
    </>
  );
}

function Facts({ result, id }: { result: PriorityResult; id: string }) {
  const { task } = result;
  const facts: [string, string | undefined][] = [
    ["Category", CATEGORY[task.category]],
    ["Who asks", [task.requester_name, ROLE[task.requester_role ?? "EMPLOYEE"]].filter(Boolean).join(", ")],
    ["Should be done", `within ${hours(result.estimated_resolution_hours)}`],
    ["Deadline", moment(task.deadline)],
    ["Meeting", moment(task.meeting_time)],
    ["Rests on what was given", percent(result.ai_confidence)],
    ["Scored by", MODEL[result.model]],
    ["Scored", [moment(result.processed_at), result.cached ? "from the cache" : result.worker].filter(Boolean).join(", ")],
    ["Language model", result.ai_skipped ? skippedInWords(result.ai_skipped) : "It filled in what was missing."],
    ["Its name", id],
  ];
  return (
    <dl className="all-facts">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

function moment(text: string | null | undefined): string | undefined {
  return text ? new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : undefined;
}
