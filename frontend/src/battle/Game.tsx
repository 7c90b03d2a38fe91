import { useCallback, useEffect, useRef, type RefObject } from "react";
import type { Link } from "../nats/link";
import { announce } from "../ui/announcer";
import { Countdown } from "../ui/Countdown";
import { useKeptFocus } from "../ui/use";
import type { Arena } from "./arena";
import { Duel, Verdict } from "./Final";
import { Lobby } from "./Lobby";
import { Paint, Prompt } from "./Writing";
import { Podium } from "./Podium";
import { Reveal } from "./Reveal";
import type { Standing } from "./standing";
import { lengthOf } from "./times";
import type { BattleView, Phase } from "./types";
import { useAwake } from "./useAwake";
import { usePainting } from "./usePainting";
import { Vote } from "./Vote";
import { duelTitle, phaseInWords } from "./words";

export interface GameProps {
  arena: Arena;
  standing: Standing;
  view: BattleView;
  link: Link;
}

/** The game, phase by phase; above each the time that is left. `isNew`: somebody has just come in by the form. */
export function Game({ isNew, ...props }: GameProps & { isNew: boolean }) {
  const { arena, view } = props;
  const isOver = view.phase === "finished";
  useAwake(!isOver);
  const { place, ...holder } = useKeptFocus<HTMLElement>();
  usePhaseArrival(place, view, isNew);
  useLastSeconds(arena, view);
  return (
    <>
      <div className="strip-head">
        <p className="where">
          <b className="code">{view.battle_id}</b>
          <span>{whereInWords(view)}</span>
        </p>
        <Countdown left={arena.left} total={lengthOf(view) ?? 0} isPaused={view.remaining != null} />
      </div>
      <div className="ribbons" role="status">
        {view.remaining != null && <p className="ribbon">The host has stopped the clock.</p>}
        {props.standing.isStale && <p className="ribbon">Reconnecting: what you see may be a moment old.</p>}
      </div>
      <section
        ref={place}
        tabIndex={-1}
        className="phase"
        data-phase={view.phase}
        aria-label={phaseInWords(view)}
        {...holder}
      >
        <PhaseOf {...props} />
      </section>
    </>
  );
}

function PhaseOf(props: GameProps) {
  const { view, standing, link } = props;
  const painting = usePainting(link, standing.me?.request_id);
  switch (view.phase) {
    case "lobby":
      return <Lobby {...props} />;
    case "prompt":
      return <Prompt key={view.round} {...props} painting={painting} />;
    case "paint":
      return <Paint {...props} painting={painting} />;
    case "vote":
      return <Vote {...props} painting={painting} />;
    case "reveal":
      return <Reveal {...props} />;
    case "duel":
      return <Duel key={view.duels.length} {...props} />;
    case "verdict":
      return <Verdict {...props} />;
    case "finished":
      return <Podium code={view.battle_id} view={view} me={standing.me} />;
  }
}

/** A new phase is said aloud, and the focus goes to its beginning: what had it is gone. So it is after the form. */
function usePhaseArrival(place: RefObject<HTMLElement | null>, view: BattleView, isNew: boolean): void {
  const key = `${view.phase} ${view.round} ${view.duels.length}`;
  const last = useRef(isNew ? "" : key);
  useEffect(() => {
    if (last.current === key) return;
    last.current = key;
    if (view.phase !== "finished") announce(phaseInWords(view)); // the podium says who has won
    window.scrollTo(0, 0);
    place.current?.focus({ preventScroll: true });
  });
}

const WARNED: readonly Phase[] = ["prompt", "vote", "duel"];
const WARNING_MS = 10_000;

/** Ten seconds before the whistle, for who does not see the ring. */
function useLastSeconds(arena: Arena, view: BattleView): void {
  const warn = useCallback(() => announce("Ten seconds left"), []);
  useEffect(() => {
    const left = arena.left();
    if (left === null || view.remaining != null || !WARNED.includes(view.phase) || left < WARNING_MS) return;
    const timer = window.setTimeout(warn, left - WARNING_MS);
    return () => window.clearTimeout(timer);
  }, [arena, warn, view.phase, view.deadline, view.remaining]);
}

function whereInWords(view: BattleView): string {
  if (view.phase === "lobby") return "Lobby";
  if (view.phase === "finished") return "The end";
  if (view.phase === "duel" || view.phase === "verdict") return duelTitle(view, view.duels.at(-1));
  return `Round ${view.round} of ${view.rounds}`;
}
