import type { BattleView, DuelView } from "../types";
import { isLastDuel } from "../results";
import { duelTitle } from "../words";
import { share } from "./final";

/** Two memes face to face; then the bars, and who goes on. */
export function Final({ view }: { view: BattleView }) {
  const duel = view.duels.at(-1);
  if (!duel) return null;
  return (
    <div className="scene final" data-over={isOver(duel)}>
      <div className="scene-head">
        <h1>{duelTitle(view, duel)}</h1>
        <p className="tally">
          {isOver(duel) ? verdict(view, duel) : `Choose on your phone · ${view.voters_done} have`}
        </p>
      </div>
      <div className="ring">
        <Fighter view={view} duel={duel} side="left" />
        <span className="versus" aria-hidden="true">
          {isOver(duel) && duel.is_tie ? "=" : "VS"}
        </span>
        <Fighter view={view} duel={duel} side="right" />
      </div>
    </div>
  );
}

function Fighter({ view, duel, side }: { view: BattleView; duel: DuelView; side: "left" | "right" }) {
  const entry = view.entries.find((each) => each.id === duel[side]);
  const outcome = !isOver(duel) ? "open" : duel.winner === duel[side] ? "won" : "lost";
  return (
    <figure className="fighter" data-side={side} data-outcome={outcome}>
      {entry?.image_url ? (
        <img src={entry.image_url} alt={`The meme on the ${side}`} />
      ) : (
        <div className="curtain">taken off</div>
      )}
      {outcome !== "open" && <figcaption className="outcome">{outcome === "won" ? "wins" : "is out"}</figcaption>}
      {isOver(duel) && <Bar duel={duel} side={side} />}
    </figure>
  );
}

function Bar({ duel, side }: { duel: DuelView; side: "left" | "right" }) {
  const percent = share(duel)[side === "left" ? 0 : 1];
  const votes = (side === "left" ? duel.votes_left : duel.votes_right) ?? 0;
  return (
    <div className="votes">
      <svg className="votes-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect className="votes-filled" width={percent} height="10" />
      </svg>
      <b>{votes}</b>
      <span className="unseen">{votes === 1 ? "vote" : "votes"}</span>
    </div>
  );
}

const isOver = (duel: DuelView): boolean => duel.winner != null;

function verdict(view: BattleView, duel: DuelView): string {
  const isLast = isLastDuel(view, duel);
  if (duel.is_tie) return `A tie: the one that did better before ${isLast ? "wins" : "goes on"}`;
  return isLast ? "We have a champion" : "The winner is in the final";
}
