import { useState, type FormEvent } from "react";
import { lengthOf } from "../memes/types";
import type { Arena } from "./arena";
import { Face, FACES } from "./Face";
import { keepProfile, keepToken, profile } from "./seat";
import { MAX_NAME, type BattleView } from "./types";
import { lateInWords, plural, problemInWords, sentence } from "./words";

interface Props {
  arena: Arena;
  token: string;
  view: BattleView;
  /** A seat is asked for. */
  onAsk: () => void;
  /** Every seat is taken, and this device watches. */
  onWatch: () => void;
}

/** A name and a face: all that a seat needs. */
export function Join({ arena, token, view, onAsk, onWatch }: Props) {
  const [start] = useState(() => profile() ?? { name: "", avatar: anyFace() });
  const [name, setName] = useState(start.name);
  const [avatar, setAvatar] = useState(start.avatar);
  const [complaint, setComplaint] = useState("");
  const [isFull, setFull] = useState(false);
  const [isSending, setSending] = useState(false);
  const late = lateInWords(view);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (isSending) return;
    const wanted = name.trim();
    if (!wanted) return setComplaint("What shall we call you?");
    if (lengthOf(wanted) > MAX_NAME) return setComplaint(`A name has at most ${MAX_NAME} characters.`);
    setSending(true);
    onAsk();
    keepToken(arena.code, token);
    const reply = await arena.send("join", { name: wanted, avatar });
    setSending(false);
    if (reply.ok) return keepProfile({ name: wanted, avatar });
    setFull(reply.code === "full");
    setComplaint(`${problemInWords(reply.code ?? "unavailable")}. ${sentence(reply.error ?? "")}`);
  }

  return (
    <form className="join panel" onSubmit={(event) => void submit(event)}>
      <h1>Who is playing?</h1>
      <p className="soft">
        Battle <b className="code">{arena.code}</b> · {plural(view.seats, "player")} here
        {late && ` · ${late}`}
      </p>
      <div className="facing">
        <button
          type="button"
          className="round"
          aria-label="Face before this one"
          onClick={() => setAvatar(step(avatar, -1))}
        >
          <Arrow isBack />
        </button>
        <Face number={avatar} size={144} />
        <button type="button" className="round" aria-label="Next face" onClick={() => setAvatar(step(avatar, 1))}>
          <Arrow />
        </button>
      </div>
      <button type="button" className="small shuffle" onClick={() => setAvatar(anyFace())}>
        Another face
      </button>
      <label className="field">
        Your name
        <input
          value={name}
          maxLength={MAX_NAME}
          autoComplete="nickname"
          enterKeyHint="go"
          aria-describedby="name-complaint"
          aria-invalid={complaint !== ""}
          onChange={(event) => (setName(event.target.value), setComplaint(""))}
        />
      </label>
      <p id="name-complaint" className="complaint" role="alert">
        {complaint}
      </p>
      <button className="primary large" aria-disabled={isSending}>
        {isSending ? "One moment" : "Join the battle"}
      </button>
      {isFull && (
        <button type="button" onClick={onWatch}>
          Watch instead
        </button>
      )}
    </form>
  );
}

export function Arrow({ isBack = false }: { isBack?: boolean }) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" className="arrow">
      <path d={isBack ? "M15 5 8 12l7 7" : "M9 5l7 7-7 7"} />
    </svg>
  );
}

const anyFace = (): number => Math.floor(Math.random() * FACES);
/** A step that changes everything about the face, and comes by all of them. */
const step = (avatar: number, by: 1 | -1): number => (avatar + by * 317 + FACES) % FACES;
