import { useId, useRef } from "react";
import { MODELS, WEIGHTED, type Rules, type ScoringModel, type Weighted } from "./types";
import { moved, percentsOf, type Percents } from "./weights";
import { factorInWords, MODEL } from "./words";

/** Another way of scoring, to be tried on the tasks in the ranking. */
export interface Trial {
  model: ScoringModel;
  percents: Percents;
}

interface Props {
  trial: Trial;
  rules: Rules;
  trouble: string | undefined;
  onTry: (trial: Trial) => void;
}

/** Sliders that always add up to 100 %, and other models. Nothing of it is stored. */
export function WhatIf({ trial, rules, trouble, onTry }: Props) {
  const id = useId();
  const usual = percentsOf(rules.weights);
  // as long as one slider is moved the others keep their proportions, even when it passes 100
  const before = useRef<{ name: Weighted; percents: Percents }>(undefined);
  function move(name: Weighted, to: number) {
    if (before.current?.name !== name) before.current = { name, percents: trial.percents };
    onTry({ ...trial, percents: moved(before.current.percents, name, to) });
  }
  function reset() {
    before.current = undefined;
    onTry({ model: "weighted", percents: usual });
  }
  const isUsual = trial.model === "weighted" && WEIGHTED.every((name) => trial.percents[name] === usual[name]);
  return (
    <section className="what-if" aria-labelledby={`${id}-head`}>
      <h2 id={`${id}-head`}>What if …</h2>
      <p className="soft">… something else counted more? Watch the ranking; nothing of this is stored.</p>
      <label className="field">
        Model
        <select value={trial.model} onChange={(event) => onTry({ ...trial, model: event.target.value as ScoringModel })}>
          {MODELS.map((model) => (
            <option key={model} value={model}>
              {MODEL[model]}
            </option>
          ))}
        </select>
      </label>
      <fieldset disabled={trial.model !== "weighted"}>
        <legend>What counts how much</legend>
        {WEIGHTED.map((name) => (
          <label key={name} className="slider">
            <span>
              <span className="piece" data-factor={name} aria-hidden="true" />
              {factorInWords(name)}
            </span>
            <output>{trial.percents[name]} %</output>
            <input
              type="range"
              name={name}
              min="0"
              max="100"
              value={trial.percents[name]}
              aria-valuetext={`${trial.percents[name]} percent`}
              onChange={(event) => move(name, event.target.valueAsNumber)}
            />
          </label>
        ))}
      </fieldset>
      <button disabled={isUsual} onClick={reset}>
        As it is usually
      </button>
      <p className="complaint" role="alert">
        {trouble}
      </p>
    </section>
  );
}
