import { useEffect, useMemo, useState } from "react";
import { announce } from "../ui/announcer";
import { go } from "../ui/route";
import type { RoomProps } from "../ui/rooms";
import { useStore } from "../ui/use";
import { Bubbles } from "./Bubbles";
import "./chat.css";
import { Coach } from "./coach";
import { CoachFace } from "./CoachFace";
import { Say } from "./Say";
import { newSession, sessionFor } from "./session";
import { isPending } from "./transcript";
import { useFollowing } from "./useFollowing";
import { BEGINNINGS } from "./words";

/** The meme coach: a conversation that goes on where it was, whatever breaks on the way. */
export default function ChatRoom({ route }: RoomProps) {
  const wanted = route.query.get("session");
  const [begun, setBegun] = useState(0);
  const session = useMemo(() => sessionFor(wanted), [wanted, begun]);
  const beginAnew = () => {
    newSession();
    setBegun(begun + 1);
    go("#/chat");
    announce("A new conversation.");
  };
  return <Conversation key={session} session={session} onAnew={beginAnew} />;
}

function Conversation({ session, onAnew }: { session: string; onAnew: () => void }) {
  const [coach] = useState(() => new Coach(session));
  useEffect(() => {
    coach.open();
    return () => coach.close();
  }, [coach]);
  const { turns, line } = useStore(coach);
  const current = turns.find(isPending);
  useFollowing(turns);
  return (
    <div className="chat">
      <header className="head">
        <h1>The meme coach</h1>
        <p>Two lines, one laugh: say what it is about, and take the best line to the easel.</p>
        {turns.length > 0 && <Tools session={session} onAnew={onAnew} />}
      </header>
      {turns.length === 0 ? (
        <Beginning onSay={(text) => coach.say(text)} />
      ) : (
        <ol className="turns" aria-label="Conversation">
          {turns.map((turn) => (
            <Bubbles key={turn.id} turn={turn} isNext={turn.id === current?.id} line={line} onRetry={() => coach.retry(turn)} />
          ))}
        </ol>
      )}
      <Say
        line={line}
        current={current}
        onSay={(text) => coach.say(text)}
        onStop={() => current && void coach.stop(current.id)}
      />
    </div>
  );
}

function Beginning({ onSay }: { onSay: (text: string) => void }) {
  return (
    <section className="beginning panel" aria-labelledby="beginning">
      <CoachFace size={112} />
      <div>
        <h2 id="beginning">What shall we make fun of?</h2>
        <p className="soft">Try one of these, or type your own below.</p>
        <ul className="beginnings">
          {BEGINNINGS.map((text) => (
            <li key={text}>
              <button onClick={() => onSay(text)}>{text}</button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function Tools({ session, onAnew }: { session: string; onAnew: () => void }) {
  const [link, setLink] = useState<string>();
  const share = async () => {
    const address = `${window.location.origin}${window.location.pathname}#/chat?session=${session}`;
    try {
      await navigator.clipboard.writeText(address);
      announce("The link is copied.");
      setLink("copied");
    } catch {
      setLink(address); // plain http has no clipboard
    }
  };
  return (
    <div className="tools">
      <button className="small" onClick={() => void share()}>
        {link === "copied" ? "Link copied" : "Copy the link"}
      </button>
      <button className="small" onClick={onAnew}>
        New conversation
      </button>
      {link !== undefined && link !== "copied" && (
        <label className="address">
          Whoever opens this follows along:
          <input readOnly value={link} autoFocus onFocus={(event) => event.target.select()} />
        </label>
      )}
    </div>
  );
}
