import "./engine-room.css";
import { useEffect } from "react";
import type { Link } from "../nats/link";
import { announce } from "../ui/announcer";
import { useStore, useTick } from "../ui/use";
import { Backlog } from "./Backlog";
import { Crew } from "./Crew";
import { isFresh, type Engine } from "./engine";
import { Figures } from "./Figures";
import { statsOf } from "./stats";
import { StormButton } from "./StormButton";

interface Props {
  link: Link;
  requestSubject: string;
}

/** The platform at work: what waits, who paints, what KEDA would do, and a storm to make it all move. */
export function EngineRoom({ link, requestSubject }: Props) {
  const engine = useStore(statsOf(link));
  useTick(500);
  return (
    <section className="engine" aria-labelledby="engine-title">
      <header className="engine-head">
        <h2 id="engine-title">Engine room</h2>
        <Pulse engine={engine} />
      </header>
      <div className="engine-body">
        <div>
          <Backlog engine={engine} now={Date.now()} />
          <Crew engine={engine} />
        </div>
        <div>
          <StormButton link={link} requestSubject={requestSubject} />
          <Figures stats={engine.stats} />
        </div>
      </div>
    </section>
  );
}

/** Whether the numbers are of now. */
function Pulse({ engine }: { engine: Engine }) {
  const { stats } = engine;
  const isLive = isFresh(engine, Date.now());
  useEffect(() => {
    if (stats && !isLive) announce("The engine room has heard nothing for a few seconds.");
  }, [isLive]);
  return (
    <p className="pulse" data-live={isLive} data-testid="pulse">
      <span className="beat" aria-hidden="true" />
      {pulseInWords(engine, isLive, Date.now())}
    </p>
  );
}

function pulseInWords({ stats, heardAt }: Engine, isLive: boolean, now: number): string {
  if (!stats) return "Listening for the platform …";
  if (!isLive) return `Nothing heard for ${Math.round((now - heardAt) / 1000)} s: old figures`;
  return stats.redis_up ? "Live" : "Live, but Redis is away";
}
