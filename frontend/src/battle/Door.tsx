import { useState, type FormEvent } from "react";
import type { RoomProps } from "../ui/rooms";
import { go } from "../ui/route";
import { openBattle } from "./arena";
import "./battle.css";
import { Face } from "./Face";
import { codeIn, longTheme, optionsOf, PACES, themesIn, USUAL, type Rules } from "./rules";
import { MAX_THEME, type Moderation } from "./types";
import { plural, problemInWords, sentence } from "./words";

/** The way into a battle: by its code, or by opening one. */
export default function Door({ link }: RoomProps) {
  return (
    <div className="battle door">
      <div className="hero">
        <Face number={201} size={72} />
        <div>
          <h1>Meme Battle Royale</h1>
          <p className="soft">Everybody writes, the workers paint, the room votes.</p>
        </div>
        <Face number={534} size={72} />
      </div>
      <div className="doors">
        <Enter />
        <Host link={link} />
      </div>
    </div>
  );
}

function Enter() {
  const [text, setText] = useState("");
  const [complaint, setComplaint] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    const code = codeIn(text);
    if (!code) return setComplaint("A code has four letters, as on the big screen.");
    go(`#/battle/${code}`);
  }

  return (
    <form className="panel entrance" onSubmit={submit}>
      <h2>Join</h2>
      <label className="field">
        Code of the battle
        <input
          className="code-field"
          value={text}
          placeholder="KBDF"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          enterKeyHint="go"
          aria-describedby="code-complaint"
          aria-invalid={complaint !== ""}
          onChange={(event) => (setText(event.target.value.toUpperCase()), setComplaint(""))}
        />
      </label>
      <p id="code-complaint" className="complaint" role="alert">
        {complaint}
      </p>
      <button className="primary large">Go in</button>
    </form>
  );
}

function Host({ link }: Pick<RoomProps, "link">) {
  const [rules, setRules] = useState<Rules>(USUAL);
  const [complaint, setComplaint] = useState("");
  const [isSending, setSending] = useState(false);
  const change = (part: Partial<Rules>) => setRules((before) => ({ ...before, ...part }));

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isSending) return;
    const long = longTheme(rules.themes);
    if (long) return setComplaint(`A theme has at most ${MAX_THEME} characters: “${long.slice(0, 20)}…”`);
    setSending(true);
    setComplaint("");
    const reply = await openBattle(link, optionsOf(rules));
    setSending(false);
    if (reply.ok && reply.battle_id) return go(`#/host/${reply.battle_id}`);
    setComplaint(`${problemInWords(reply.code ?? "unavailable")}. ${sentence(reply.error ?? "")}`);
  }

  return (
    <form className="panel entrance" onSubmit={(event) => void submit(event)}>
      <h2>Host</h2>
      <p className="soft">
        On the screen that everybody sees. {plural(rules.rounds, "round")}
        {rules.final && " and a final"}, about {minutes(rules)}.
      </p>
      <div className="rules">
        <Stepper label="Rounds" value={rules.rounds} least={1} most={10} onChange={(rounds) => change({ rounds })} />
        <Stepper
          label="Seconds to write"
          value={rules.promptSeconds}
          least={15}
          most={300}
          by={15}
          onChange={(promptSeconds) => change({ promptSeconds })}
        />
      </div>
      <details>
        <summary>More rules</summary>
        <div className="stack">
          <Stepper
            label="Seconds to vote"
            value={rules.voteSeconds}
            least={15}
            most={300}
            by={15}
            onChange={(voteSeconds) => change({ voteSeconds })}
          />
          <label className="field">
            Time for everybody
            <select value={rules.pace} onChange={(event) => change({ pace: Number(event.target.value) })}>
              {PACES.map(([pace, word]) => (
                <option key={pace} value={pace}>
                  {word}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            Words
            <select
              value={rules.moderation}
              onChange={(event) => change({ moderation: event.target.value as Moderation })}
            >
              <option value="strict">Strict: nothing rude</option>
              <option value="moderate">Moderate: nothing coarse</option>
              <option value="none">Everything goes</option>
            </select>
          </label>
          <Switch label="Final of the four best" isOn={rules.final} onChange={(final) => change({ final })} />
          <Switch label="I approve each meme first" isOn={rules.approve} onChange={(approve) => change({ approve })} />
          <label className="field">
            Themes of your own, one in a line
            <textarea rows={3} value={rules.themes} onChange={(event) => change({ themes: event.target.value })} />
          </label>
          {themesIn(rules.themes).length > 0 && (
            <p className="soft">{plural(themesIn(rules.themes).length, "theme")} of yours, then ours.</p>
          )}
        </div>
      </details>
      <p className="complaint" role="alert">
        {complaint}
      </p>
      <button className="primary large" aria-disabled={isSending}>
        {isSending ? "Opening" : "Open a battle"}
      </button>
    </form>
  );
}

interface StepperProps {
  label: string;
  value: number;
  least: number;
  most: number;
  by?: number;
  onChange: (value: number) => void;
}

function Stepper({ label, value, least, most, by = 1, onChange }: StepperProps) {
  const moved = (direction: 1 | -1) => onChange(Math.min(most, Math.max(least, value + direction * by)));
  return (
    <div className="stepper" role="group" aria-label={label}>
      <span>{label}</span>
      <button type="button" aria-label={`Less: ${label}`} aria-disabled={value <= least} onClick={() => moved(-1)}>
        –
      </button>
      <output aria-live="polite">{value}</output>
      <button type="button" aria-label={`More: ${label}`} aria-disabled={value >= most} onClick={() => moved(1)}>
        +
      </button>
    </div>
  );
}

function Switch({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label className="switch">
      <input type="checkbox" role="switch" checked={isOn} onChange={(event) => onChange(event.target.checked)} />
      <span className="track" aria-hidden="true" />
      {label}
    </label>
  );
}

/** Roughly: painting and results take their time too. */
function minutes({ rounds, promptSeconds, voteSeconds, pace, final }: Rules): string {
  const seconds = (rounds * (promptSeconds + voteSeconds + 25) + (final ? 80 : 0)) * pace;
  return plural(Math.max(1, Math.round(seconds / 60)), "minute");
}
