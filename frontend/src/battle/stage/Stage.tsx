import "./stage.css";
import "./lobby.css";
import "./pictures.css";
import "./result.css";
import "./final.css";
import { useEffect, useRef, useState, type ReactNode } from "react";
import type { Link } from "../../nats/link";
import { announce } from "../../ui/announcer";
import type { Arena } from "../arena";
import type { Standing } from "../standing";
import type { BattleView } from "../types";
import { phaseInWords, problemInWords, sentence } from "../words";
import { painters, withStatus, type Brushes } from "./brushes";
import { cueFor } from "./cues";
import { Final } from "./Final";
import { Head } from "./Head";
import { Lobby } from "./Lobby";
import { Painting } from "./Painting";
import { Podium } from "./Podium";
import { Prompting } from "./Prompting";
import { Reveal } from "./Reveal";
import { Speaker } from "./sound";
import { tiles } from "./tiles";
import { Voting } from "./Voting";

interface Props {
  link: Link;
  arena: Arena;
  standing: Standing;
  isCodeHidden: boolean;
  speaker: Speaker;
  /** Stands beside the clock. */
  children?: ReactNode;
}

/** What everybody in the room looks at. The scene follows the phase of the battle. */
export function Stage({ link, arena, standing, isCodeHidden, speaker, children }: Props) {
  const { view, problem, isStale } = standing;
  const workers = useBrushes(link, arena.code);
  useNews(view, speaker);
  if (!view) return <Waiting code={arena.code} problem={problem} />;
  return (
    <div className="stage" data-phase={view.phase} data-testid="stage">
      <Head view={view} left={arena.left} isCodeHidden={isCodeHidden} isStale={isStale}>
        {children}
      </Head>
      <Scene view={view} left={arena.left} workers={workers} isCodeHidden={isCodeHidden} />
    </div>
  );
}

interface SceneProps {
  view: BattleView;
  left: () => number | null;
  workers: readonly string[];
  isCodeHidden: boolean;
}

function Scene({ view, left, workers, isCodeHidden }: SceneProps) {
  switch (view.phase) {
    case "lobby":
      return <Lobby view={view} isCodeHidden={isCodeHidden} />;
    case "prompt":
      return <Prompting view={view} tiles={tiles(view, workers)} />;
    case "paint":
      return <Painting view={view} tiles={tiles(view, workers)} />;
    case "vote":
      return <Voting view={view} tiles={tiles(view, [])} />;
    case "reveal":
      return <Reveal key={view.round} view={view} left={left} />;
    case "duel":
    case "verdict":
      return <Final view={view} />;
    case "finished":
      return <Podium view={view} />;
  }
}

function Waiting({ code, problem }: { code: string; problem: Standing["problem"] }) {
  return (
    <div className="stage">
      <div className="panel notice">
        <h1>{problem ? problemInWords(problem.code) : `Looking for battle ${code} …`}</h1>
        {problem && <p>{sentence(problem.error)}</p>}
        {problem?.code === "unknown_battle" && (
          <a className="button primary" href="#/battle">
            Open a battle
          </a>
        )}
      </div>
    </div>
  );
}

/** Say and play what has changed. */
function useNews(view: BattleView | undefined, speaker: Speaker): void {
  const before = useRef<BattleView>(undefined);
  useEffect(() => {
    if (!view) return;
    const { current } = before;
    const cue = cueFor(current, view);
    if (cue) speaker.play(cue);
    if (!current || current.phase !== view.phase || current.duels.length !== view.duels.length) {
      announce(phaseInWords(view));
    }
    before.current = view;
  }, [view, speaker]);
}

/** The workers that paint for this battle at the moment. */
function useBrushes(link: Link, code: string): string[] {
  const [brushes, setBrushes] = useState<Brushes>(new Map());
  useEffect(
    () =>
      link.listen("meme.status.*", (body) =>
        setBrushes((known) => withStatus(known, body as Parameters<typeof withStatus>[1], code, Date.now())),
      ),
    [link, code],
  );
  return painters(brushes);
}
