import { useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { View } from "./coach";
import { phaseOf, type Turn } from "./transcript";

/** As the server has it by default; a longer message is refused there with words too. */
const MAX_MESSAGE = 8000;
/** From here on the length is worth a word. */
const LONG = 0.8 * MAX_MESSAGE;
const HINT = "Enter sends · Escape stops";

interface Props {
  line: View["line"];
  current: Turn | undefined;
  onSay: (text: string) => void;
  onStop: () => void;
}

/** Where one types. It is never blocked: several messages in a row are answered one after the other. */
export function Say({ line, current, onSay, onStop }: Props) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const length = [...text.trim()].length;
  const news = newsOf(line, length);
  const canStop = current !== undefined && phaseOf(current) !== "sending" && !current.isStopping;

  function submit(event?: FormEvent) {
    event?.preventDefault();
    field.current?.focus();
    if (length === 0 || length > MAX_MESSAGE) return;
    onSay(text.trim());
    setText("");
  }

  function stop() {
    field.current?.focus();
    if (canStop) onStop();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") stop();
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  }

  return (
    <form className="say panel" onSubmit={submit}>
      <label className="unseen" htmlFor="message">
        Message to the coach
      </label>
      <textarea
        id="message"
        ref={field}
        rows={1}
        value={text}
        placeholder="A caption for …"
        autoComplete="off"
        aria-describedby="say-hint say-news"
        aria-invalid={length > MAX_MESSAGE}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button className="primary" type="submit">
        Send
      </button>
      <button type="button" className="stop" disabled={!canStop} onClick={stop}>
        <span className="square" aria-hidden="true" />
        Stop
      </button>
      <p id="say-news" className="news-line" data-line={line} data-kind={news === HINT ? "hint" : "news"}>
        {news}
      </p>
      <span id="say-hint" className="unseen">
        Enter sends, Shift and Enter starts a new line, Escape stops an answer.
      </span>
    </form>
  );
}

function newsOf(line: View["line"], length: number): string {
  if (length > MAX_MESSAGE) return `That is ${length - MAX_MESSAGE} characters too long.`;
  if (line === "lost") return "Looking for the gateway. Nothing you say is lost.";
  if (length > LONG) return `${length} of ${MAX_MESSAGE} characters`;
  return HINT;
}
