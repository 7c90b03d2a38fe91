import type { ReactNode } from "react";
import { Countdown } from "../../ui/Countdown";
import { lengthOf } from "../times";
import type { BattleView } from "../types";
import { shortAddress } from "./address";

interface Props {
  view: BattleView;
  left: () => number | null;
  isCodeHidden: boolean;
  isStale: boolean;
  /** What this screen has to press, if anything. */
  children?: ReactNode;
}

/** The strip above every scene but the lobby: where to join, which round, and the clock. */
export function Head({ view, left, isCodeHidden, isStale, children }: Props) {
  const isOpen = view.phase !== "lobby" && view.phase !== "finished";
  return (
    <div className="stage-head">
      <div className="stage-facts">
        {isOpen && !isCodeHidden && (
          <p className="fact join-fact">
            {shortAddress()} <b>{view.battle_id}</b>
          </p>
        )}
        {isRound(view) && (
          <p className="fact">
            Round <b>{view.round}</b> of {view.rounds}
          </p>
        )}
        {isRound(view) && view.phase !== "prompt" && <p className="fact theme-fact">{view.theme}</p>}
        {view.options.pace > 1 && isOpen && <p className="fact">More time: × {view.options.pace}</p>}
        {isStale && <p className="fact stale">No news: trying to get through …</p>}
      </div>
      {children}
      <Countdown left={left} total={lengthOf(view) ?? 0} isPaused={view.remaining != null} />
    </div>
  );
}

const isRound = ({ phase }: BattleView): boolean => ["prompt", "paint", "vote", "reveal"].includes(phase);
