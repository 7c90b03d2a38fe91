import { useEffect, useRef } from "react";
import type { Link } from "../nats/link";
import { announce } from "../ui/announcer";
import { newId } from "../ui/unique";
import { useKeptFocus, useStore } from "../ui/use";
import { stormOf } from "./stats";
import { isRaging, type Tally } from "./storm";

const SIZES = [60, 200, 600] as const;

/** Ask for many memes at once, and watch them come. */
export function StormButton({ link, requestSubject }: { link: Link; requestSubject: string }) {
  const storm = stormOf(link, requestSubject);
  const tally = useStore(storm);
  const isOn = isRaging(tally);
  const wasOn = useRef(isOn);
  const { place, ...focus } = useKeptFocus<HTMLHeadingElement>();
  useEffect(() => {
    if (wasOn.current && !isOn) announce(`The storm is over. ${outcome(tally)}`);
    wasOn.current = isOn;
  }, [isOn]);
  return (
    <section className="storm" aria-labelledby="storm-title" data-raging={isOn} {...focus}>
      <div className="storm-head">
        {/* and not the new button: a key held down would press that at once */}
        <h3 id="storm-title" ref={place} tabIndex={-1}>
          Storm
        </h3>
        <div className="buttons">
          {isOn ? (
            <button type="button" data-testid="storm-stop" onClick={() => storm.stop()}>
              Stop the storm
            </button>
          ) : (
            SIZES.map((size) => (
              <button
                key={size}
                type="button"
                data-testid={`storm-${size}`}
                onClick={() => storm.start(size, nameOf())}
              >
                {size}
                <span className="unseen"> memes at once</span>
              </button>
            ))
          )}
        </div>
      </div>
      <p className="storm-words">
        {tally.wanted === 0 ? "Ask for many different memes at once, and see the workers breathe." : outcome(tally)}
      </p>
      {tally.wanted > 0 && <Progress tally={tally} />}
    </section>
  );
}

function Progress({ tally: { wanted, sent, painted, failed } }: { tally: Tally }) {
  return (
    <svg
      className="storm-bar"
      viewBox={`0 0 ${wanted} 10`}
      preserveAspectRatio="none"
      role="progressbar"
      aria-label="Answered"
      aria-valuemin={0}
      aria-valuemax={wanted}
      aria-valuenow={painted + failed}
    >
      <rect className="storm-sent" width={Math.max(sent, painted + failed)} height="10" />
      <rect className="storm-painted" width={painted} height="10" />
      <rect className="storm-failed" x={painted} width={failed} height="10" />
    </svg>
  );
}

function outcome({ wanted, sent, painted, failed }: Tally): string {
  const errors = failed > 0 ? `, ${failed} without a picture` : "";
  const asked = sent < wanted ? `${sent} asked, ` : "";
  return `${asked}${painted + failed} of ${wanted} answered${errors}.`;
}

/** Names this storm: no two have the same prompts, and no prompt is found in the cache. */
const nameOf = (): string => newId().replace(/[-_]/g, "").slice(0, 8);
