import { useState, type FormEvent } from "react";
import { announce } from "../ui/announcer";
import { inWords } from "../ui/problem";
import * as http from "./http";
import { Level } from "./parts";
import { LEVELS, type Decision, type TaskState, type UrgencyLevel } from "./types";
import { LEVEL } from "./words";

interface Props {
  state: TaskState;
  onDecided: (state: TaskState) => void;
}

const NAME = "memebattle:priority:by";

/** What a person decides counts; the score stays beside it, as it was. */
export function Deciding({ state, onDecided }: Props) {
  const [level, setLevel] = useState<UrgencyLevel | "">("");
  const [reason, setReason] = useState("");
  const [by, setBy] = useState(() => remembered());
  const [isSure, setSure] = useState(false);
  const [trouble, setTrouble] = useState("");
  const override = state.override?.action;

  async function attempt(act: () => Promise<TaskState>, words: string) {
    setTrouble("");
    try {
      onDecided(await act());
      setLevel("");
      setReason("");
      setSure(false);
      announce(words);
    } catch (error) {
      setTrouble(inWords(error));
    }
  }

  const decide = (decision: Decision, words: string) =>
    attempt(() => http.decide(state.request_id, { ...decision, reason: reason.trim(), by: by.trim() }), words);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (level === "") return setTrouble("Choose how urgent it is.");
    keep(by.trim());
    void decide({ action: "set", urgency_level: level }, `Decided: ${LEVEL[level]}.`);
  }

  const withdraw = () =>
    attempt(async () => {
      await http.withdraw(state.request_id);
      return http.look(state.request_id);
    }, "Taken out of the ranking.");

  return (
    <form className="deciding" onSubmit={submit}>
      <h3>You know better?</h3>
      <fieldset className="levels">
        <legend className="unseen">How urgent it really is</legend>
        {LEVELS.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="level"
              value={each}
              checked={level === each}
              onChange={() => {
                setLevel(each);
                setTrouble("");
              }}
            />
            <Level level={each} />
          </label>
        ))}
      </fieldset>
      <div className="pair">
        <label className="field">
          Why
          <input value={reason} maxLength={500} autoComplete="off" onChange={(event) => setReason(event.target.value)} />
        </label>
        <label className="field">
          Your name
          <input value={by} maxLength={120} autoComplete="name" onChange={(event) => setBy(event.target.value)} />
        </label>
      </div>
      <div className="buttons">
        <button className="primary" type="submit">
          Decide
        </button>
        {override !== undefined && override !== "clear" && (
          <button type="button" onClick={() => void decide({ action: "clear" }, "The decision is taken back.")}>
            Take it back
          </button>
        )}
        {override !== "withdraw" && (
          <button type="button" className={isSure ? "danger" : ""} onClick={() => (isSure ? void withdraw() : setSure(true))}>
            {isSure ? "Really withdraw it" : "Withdraw"}
          </button>
        )}
      </div>
      <p className="complaint" role="alert">
        {trouble}
      </p>
    </form>
  );
}

function remembered(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

function keep(name: string): void {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // a browser that keeps nothing: the name is typed again
  }
}
