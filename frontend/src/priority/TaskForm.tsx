import { useRef, useState, type FormEvent, type ReactNode } from "react";
import { announce } from "../ui/announcer";
import { inWords, Problem } from "../ui/problem";
import { newId } from "../ui/unique";
import { Field, type Common } from "./Field";
import { complaintsAbout, EMPTY, requestOf, type Complaints, type Draft } from "./draft";
import * as http from "./http";
import { Level } from "./parts";
import { CATEGORIES, MODELS, ROLES } from "./types";
import { CATEGORY, LEVEL, MODEL, ROLE, score } from "./words";

interface Props {
  /** A task has been taken; `id` names it. */
  onTaken: (id: string) => void;
  onOpen: (id: string) => void;
}

type Outcome = { id: string; title: string; answer: http.Answer };

/** A task to be scored. Only title and category are needed; what is given makes the score surer. */
export function TaskForm({ onTaken, onOpen }: Props) {
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [complaints, setComplaints] = useState<Complaints>({});
  const [trouble, setTrouble] = useState("");
  const [isSending, setSending] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const form = useRef<HTMLFormElement>(null);
  // the task keeps its name until it is taken or changed: sent twice, it is still one
  const key = useRef(newId());

  function change(part: Partial<Draft>) {
    key.current = newId();
    setDraft({ ...draft, ...part });
    setComplaints((last) => Object.fromEntries(Object.entries(last).filter(([name]) => !(name in part))));
  }

  function complain(found: Complaints) {
    setComplaints(found);
    const first = Object.keys(found)[0];
    if (first) focusOn(first);
  }

  /** Also on a field that is folded away. */
  function focusOn(name: string) {
    const field = form.current?.querySelector<HTMLElement>(`[name="${name}"]`);
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isSending) return;
    const found = complaintsAbout(draft);
    complain(found);
    setTrouble("");
    if (Object.keys(found).length > 0) return;
    setSending(true);
    const id = key.current;
    const title = draft.title.trim();
    try {
      taken({ id, title, answer: await http.ask(requestOf(draft), id) });
    } catch (error) {
      refused(error, id, title);
    }
    setSending(false);
  }

  function taken(found: Outcome) {
    setOutcome(found);
    announce(aloud(found));
    onTaken(found.id);
    if (key.current !== found.id) return; // the next task is being typed already
    setDraft({ ...EMPTY, category: draft.category, requester_role: draft.requester_role });
    key.current = newId();
    focusOn("title");
  }

  function refused(error: unknown, id: string, title: string) {
    if (key.current !== id) return setTrouble(`${title}: ${inWords(error)}`);
    const faults = faultsOf(error);
    complain(faults);
    if (Object.keys(faults).length === 0) setTrouble(inWords(error));
  }

  const field = (name: keyof Draft, label: string, input: (common: Common) => ReactNode) => (
    <Field name={name} label={label} complaint={complaints[name]}>
      {(common) => input({ ...common, value: draft[name], onChange: (event) => change({ [name]: event.target.value }) })}
    </Field>
  );

  return (
    <section className="new-task" aria-labelledby="new-task">
      <h2 id="new-task">A new task</h2>
      <form ref={form} noValidate onSubmit={(event) => void submit(event)}>
        {field("title", "What is to be done?", (common) => (
          <input {...common} placeholder="VPN is down for the whole sales team" autoComplete="off" />
        ))}
        {field("category", "Category", (common) => (
          <select {...common} required>
            <option value="">Choose …</option>
            {CATEGORIES.map((each) => (
              <option key={each} value={each}>
                {CATEGORY[each]}
              </option>
            ))}
          </select>
        ))}
        <div className="pair">
          {field("business_value", "Value, 1 to 10", (common) => (
            <input {...common} inputMode="decimal" autoComplete="off" />
          ))}
          {field("risk_level", "Risk, 1 to 10", (common) => (
            <input {...common} inputMode="decimal" autoComplete="off" />
          ))}
        </div>
        {field("requester_role", "Who asks", (common) => (
          <select {...common}>
            {ROLES.map((each) => (
              <option key={each} value={each}>
                {ROLE[each]}
              </option>
            ))}
          </select>
        ))}
        <details>
          <summary>More about it</summary>
          {field("description", "Description", (common) => (
            <textarea {...common} rows={3} />
          ))}
          {field("deadline", "Deadline", (common) => (
            <input {...common} type="datetime-local" />
          ))}
          {field("meeting_time", "The meeting it is for", (common) => (
            <input {...common} type="datetime-local" />
          ))}
          <div className="pair">
            {field("affected_users_count", "People affected", (common) => (
              <input {...common} inputMode="numeric" autoComplete="off" />
            ))}
            {field("estimated_effort_hours", "Effort in hours", (common) => (
              <input {...common} inputMode="decimal" autoComplete="off" />
            ))}
          </div>
          {field("model", "How to score it", (common) => (
            <select {...common}>
              <option value="">As usual here</option>
              {MODELS.map((each) => (
                <option key={each} value={each}>
                  {MODEL[each]}
                </option>
              ))}
            </select>
          ))}
        </details>
        <button className="primary" type="submit" aria-disabled={isSending}>
          {isSending ? "Scoring …" : "How urgent is it?"}
        </button>
        <p className="complaint" role="alert">
          {trouble}
        </p>
      </form>
      {outcome && <Verdict outcome={outcome} onOpen={onOpen} />}
    </section>
  );
}

function Verdict({ outcome: { id, title, answer }, onOpen }: { outcome: Outcome; onOpen: (id: string) => void }) {
  return (
    <div className="verdict" data-id={id}>
      {answer === null ? (
        <p>Taken. It is in line and will be scored soon.</p>
      ) : "error" in answer ? (
        <p>{answer.error}</p>
      ) : (
        <p>
          <Level level={answer.urgency_level} /> <strong>{score(answer.priority_metrics.final_priority_score)}</strong>
        </p>
      )}
      <button className="small" onClick={() => onOpen(id)} aria-label={`See why: ${title}`}>
        See why
      </button>
    </div>
  );
}

/** What the server says about fields of this form. */
function faultsOf(error: unknown): Complaints {
  if (!(error instanceof Problem)) return {};
  const named = error.faults.map(({ pointer, detail }) => [pointer.replace("#/", ""), detail] as const);
  return Object.fromEntries(named.filter(([name]) => name in EMPTY));
}

function aloud({ title, answer }: Outcome): string {
  if (answer === null) return `${title} is in line.`;
  if ("error" in answer) return `${title} was not scored: ${answer.error}`;
  return `${title}: ${LEVEL[answer.urgency_level]}, ${score(answer.priority_metrics.final_priority_score)} of 10.`;
}
