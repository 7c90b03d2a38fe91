import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { lengthOf, MAX_CAPTION, MAX_PROMPT, type Wish } from "./types";
import { surprise } from "./words";

interface Props {
  /** Stands in the form at the beginning, for example a line that the coach has thought of. */
  suggestion?: string;
  onSubmit: (wish: Wish) => void;
}

/** The form. It is never blocked: as many requests as one likes may be in work. */
export function Composer({ suggestion = "", onSubmit }: Props) {
  const [prompt, setPrompt] = useState(suggestion);
  const [fast, setFast] = useState(false);
  const [small, setSmall] = useState(false);
  const [top, setTop] = useState("");
  const [bottom, setBottom] = useState("");
  const [seed, setSeed] = useState("");
  const [model, setModel] = useState("");
  const [complaint, setComplaint] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const length = lengthOf(prompt.trim());

  useEffect(() => {
    if (suggestion) field.current?.focus();
  }, [suggestion]);

  function submit(event?: FormEvent) {
    event?.preventDefault();
    field.current?.focus();
    if (length === 0) return setComplaint("Type a line first.");
    if (length > MAX_PROMPT) return setComplaint(`That is ${length - MAX_PROMPT} characters too long.`);
    const complaint = complaintAbout(seed.trim(), model.trim());
    if (complaint) return setComplaint(complaint);
    const captions = { caption_top: top.trim(), caption_bottom: bottom.trim() };
    onSubmit({
      prompt: prompt.trim(),
      ...options(fast, small),
      ...filledIn({ ...captions, model: model.trim() }),
      ...seeded(seed),
    });
    setPrompt("");
    setTop("");
    setBottom("");
    setComplaint("");
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  }

  return (
    <form className="composer panel" onSubmit={submit}>
      <label className="question" htmlFor="prompt">
        What shall we make fun of?
      </label>
      <textarea
        id="prompt"
        ref={field}
        rows={2}
        value={prompt}
        placeholder="When the tests pass | on the first try"
        aria-describedby="counter complaint hint"
        aria-invalid={complaint !== "" || length > MAX_PROMPT}
        autoComplete="off"
        onChange={(event) => {
          setPrompt(event.target.value);
          setComplaint("");
        }}
        onKeyDown={onKeyDown}
      />
      <div className="under">
        <span id="complaint" className="complaint" role="alert">
          {complaint}
        </span>
        <span id="counter" className="counter" data-over={length > MAX_PROMPT}>
          {length} / {MAX_PROMPT}
        </span>
      </div>
      <span id="hint" className="unseen">
        Enter sends, Shift and Enter starts a new line.
      </span>
      <div className="switches">
        <Switch label="Fast" hint="fewer steps" checked={fast} onChange={setFast} />
        <Switch label="Small" hint="512 px" checked={small} onChange={setSmall} />
      </div>
      <details>
        <summary>Captions</summary>
        <div className="captions">
          <label>
            Top
            <input value={top} maxLength={MAX_CAPTION} onChange={(event) => setTop(event.target.value)} />
          </label>
          <label>
            Bottom
            <input value={bottom} maxLength={MAX_CAPTION} onChange={(event) => setBottom(event.target.value)} />
          </label>
        </div>
      </details>
      <details>
        <summary>More</summary>
        <div className="captions">
          <label>
            Seed
            <input
              value={seed}
              inputMode="numeric"
              placeholder="same number, same picture"
              onChange={(event) => setSeed(event.target.value)}
            />
          </label>
          <label>
            Model
            <input
              value={model}
              maxLength={120}
              placeholder="owner/name"
              autoCapitalize="none"
              spellCheck={false}
              onChange={(event) => setModel(event.target.value)}
            />
          </label>
        </div>
      </details>
      <div className="buttons">
        <button className="primary" type="submit">
          Make it a meme
        </button>
        <button
          type="button"
          onClick={() => {
            setPrompt(surprise(prompt));
            setComplaint("");
            field.current?.focus();
          }}
        >
          Surprise me
        </button>
      </div>
    </form>
  );
}

interface SwitchProps {
  label: string;
  hint: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}

function Switch({ label, hint, checked, onChange }: SwitchProps) {
  return (
    <label className="switch">
      <input type="checkbox" role="switch" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span className="track" aria-hidden="true" />
      {label} <small>{hint}</small>
    </label>
  );
}

/** Only what was chosen: the server has its own defaults. */
function options(fast: boolean, small: boolean): Partial<Wish> {
  return { ...(fast && { fast_mode: true }), ...(small && { small_image: true }) };
}

const filledIn = (texts: Partial<Wish>): Partial<Wish> =>
  Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));

const seeded = (seed: string): Partial<Wish> => (seed.trim() ? { seed: Number(seed) } : {});

function complaintAbout(seed: string, model: string): string | undefined {
  if (!/^\d{0,15}$/.test(seed)) return "A seed is a whole number of up to 15 digits.";
  if (model && !/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(model)) return "A model is called owner/name.";
  return undefined;
}
