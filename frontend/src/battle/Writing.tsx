import { useRef, useState, type FormEvent } from "react";
import { lengthOf } from "../memes/types";
import { draft, keepDraft } from "./draft";
import type { GameProps } from "./Game";
import { OwnMeme } from "./OwnMeme";
import { Sketch } from "./Sketch";
import { asStored } from "./stored";
import { surpriseFor } from "./surprises";
import { MAX_PROMPT } from "./types";
import type { Painting } from "./usePainting";
import { plural, problemInWords, sentence } from "./words";

interface Props extends GameProps {
  painting: Painting | undefined;
}

const ENTRY = "entry";

/** A line for a meme, which may be changed until the whistle. */
export function Prompt({ arena, standing, view, painting }: Props) {
  const handedIn = standing.me?.prompt ?? undefined;
  const [text, setText] = useState(() => draft(view.battle_id, view.round) ?? handedIn ?? "");
  const [complaint, setComplaint] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const length = lengthOf(text.trim());
  const isSending = standing.sending.includes(ENTRY);
  const isSame = handedIn !== undefined && asStored(handedIn) === asStored(text);
  const isHandedIn = isSame && !isSending && painting?.state !== "failed";
  const { refused } = standing;

  function write(line: string) {
    setText(line);
    setComplaint("");
    keepDraft(view.battle_id, view.round, line);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isHandedIn) return;
    if (length === 0) return setComplaint("Write a line first.");
    if (length > MAX_PROMPT) return setComplaint(`That is ${plural(length - MAX_PROMPT, "character")} too long.`);
    arena.post(ENTRY, "enter", { prompt: text.trim(), round: view.round });
  }

  return (
    <form className="writing" onSubmit={submit}>
      <h1 className="theme">
        <span>Your theme</span>
        {view.theme}
      </h1>
      <div className="desk">
        <div>
          <label className="field" htmlFor="line">
            Your meme
          </label>
          <textarea
            id="line"
            ref={field}
            rows={3}
            value={text}
            placeholder="top line | bottom line"
            autoComplete="off"
            enterKeyHint="send"
            aria-describedby="line-count line-complaint"
            aria-invalid={complaint !== "" || length > MAX_PROMPT}
            onChange={(event) => write(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
            }}
          />
          <div className="under">
            <span id="line-complaint" className="complaint" role="alert">
              {complaint || (refused?.slot === ENTRY && `${problemInWords(refused.code)}. ${sentence(refused.error)}`)}
            </span>
            <span id="line-count" className="counter" data-over={length > MAX_PROMPT}>
              {length} / {MAX_PROMPT}
            </span>
          </div>
          <div className="buttons">
            <button className={isHandedIn ? "large done" : "primary large"} aria-disabled={isHandedIn}>
              {isHandedIn
                ? "Handed in"
                : handedIn === undefined
                  ? "Hand it in"
                  : painting?.state === "failed"
                    ? "Try it again"
                    : "Change it"}
            </button>
            <button type="button" onClick={() => (write(surpriseFor(view.theme, text)), field.current?.focus())}>
              Surprise me
            </button>
          </div>
          <p className="soft" role="status">
            {fate(isSending, handedIn, standing.isStale)}
          </p>
        </div>
        {isHandedIn ? <OwnMeme prompt={text.trim()} painting={painting} /> : <Sketch prompt={text} />}
      </div>
      <p className="tally">
        {view.entered} of {plural(view.seats, "player")} handed in
      </p>
    </form>
  );
}

function fate(isSending: boolean, handedIn: string | undefined, isStale: boolean): string {
  if (isSending) return isStale ? "Kept: it goes out as soon as the link is back." : "On its way …";
  return handedIn === undefined ? "" : "It is in. You may change it until the whistle.";
}

/** Pencils down. */
export function Paint({ standing, view, painting }: Props) {
  const prompt = standing.me?.prompt;
  return (
    <div className="painting">
      <h1>Pencils down!</h1>
      <p className="soft">
        {view.painted} of {plural(view.entered, "meme")} painted
      </p>
      <progress className="bar-of" value={view.painted} max={Math.max(1, view.entered)} aria-label="Memes painted" />
      {prompt ? (
        <OwnMeme prompt={prompt} painting={painting} />
      ) : (
        <p className="panel aside">
          You have no meme in this round. You vote in a moment
          {view.round < view.rounds && ", and play again in the next one"}.
        </p>
      )}
    </div>
  );
}
