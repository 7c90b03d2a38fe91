import { useEffect, useMemo, useState } from "react";
import type { RoomProps } from "../ui/rooms";
import "./battle.css";
import { Game } from "./Game";
import { Join } from "./Join";
import { Podium } from "./Podium";
import { newToken, tokenOf } from "./seat";
import { useArena } from "./useArena";
import { useOneTab } from "./useOneTab";
import { problemInWords, sentence } from "./words";
import type { Standing } from "./standing";
import type { Link } from "../nats/link";

/** A battle on the phone of somebody who plays: from the code to the podium. */
export default function Phone({ link, route }: RoomProps) {
  const code = (route.path[1] ?? "").toUpperCase();
  const { isElsewhere, takeOver } = useOneTab(code);
  return (
    <div className="battle">
      {isElsewhere ? <Elsewhere onTake={takeOver} /> : <Seat key={code} link={link} code={code} />}
    </div>
  );
}

function Seat({ link, code }: { link: Link; code: string }) {
  const token = useMemo(() => tokenOf(code) ?? newToken(), [code]);
  const { arena, standing } = useArena(link, code, { token });
  const [isWatching, setWatching] = useState(false);
  const [hasAsked, setAsked] = useState(false);
  const { view, me } = standing;
  if (!view) return <Looking standing={standing} code={code} onRetry={() => void arena.look()} />;
  if (me?.name && !me.is_player) return <Out />;
  if (me?.is_player || isWatching)
    return <Game arena={arena} standing={standing} view={view} link={link} isNew={hasAsked} />;
  if (view.phase === "finished") return <Podium code={code} view={view} me={me} />;
  const ways = { onAsk: () => setAsked(true), onWatch: () => setWatching(true) };
  return <Join arena={arena} token={token} view={view} {...ways} />;
}

const TRY_AGAIN_MS = 3000;

function Looking({ standing, code, onRetry }: { standing: Standing; code: string; onRetry: () => void }) {
  const { problem } = standing;
  useEffect(() => {
    if (problem?.code !== "unavailable") return;
    const timer = window.setInterval(onRetry, TRY_AGAIN_MS);
    return () => window.clearInterval(timer);
  });
  if (!problem) {
    return (
      <div className="notice">
        <h1>Looking for {code}</h1>
        <p className="empty">One moment …</p>
      </div>
    );
  }
  const isUnknown = problem.code === "unknown_battle";
  return (
    <div className="panel notice" role="alert">
      <h1>{problemInWords(problem.code)}</h1>
      <p>
        {isUnknown
          ? `There is no battle with the code ${code}. Battles are kept for a week; is every letter right?`
          : sentence(problem.error)}
      </p>
      <p className="buttons">
        <a className="button primary" href="#/battle">
          Another code
        </a>
      </p>
    </div>
  );
}

function Out() {
  return (
    <div className="panel notice">
      <h1>You are out</h1>
      <p>The host has sent you out of this battle. You are welcome to host one of your own.</p>
      <p className="buttons">
        <a className="button primary" href="#/battle">
          To the battles
        </a>
      </p>
    </div>
  );
}

function Elsewhere({ onTake }: { onTake: () => void }) {
  return (
    <div className="panel notice">
      <h1>You play in another tab</h1>
      <p>This seat was opened there a moment ago. One of them is enough, and nothing is lost.</p>
      <p className="buttons">
        <button className="primary" onClick={onTake}>
          Play here instead
        </button>
      </p>
    </div>
  );
}
