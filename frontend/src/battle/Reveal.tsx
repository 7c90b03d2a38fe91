import { useEffect, useRef } from "react";
import { announce } from "../ui/announcer";
import { useTick } from "../ui/use";
import { Face } from "./Face";
import type { GameProps } from "./Game";
import { doubtInWords, entryOf, makerOf, myStanding } from "./results";
import { places, told } from "./drama";
import { elapsed, lengthOf } from "./times";
import type { BattleView, SeatView, StandingView } from "./types";
import { ordinal, plural } from "./words";

/** What the votes say: my place first, then the best three. */
export function Reveal({ arena, standing, view }: GameProps) {
  const isTold = useTold(view, arena.left);
  const best = view.board[0];
  const mine = myStanding(view, standing.me);
  useEffect(() => {
    if (isTold && mine) announce(`${placeInWords(mine)}.`);
  }, [isTold, view.round]);
  if (!isTold) return <LookUp round={view.round} />;
  return (
    <div className="reveal">
      <Mine view={view} me={standing.me} />
      {best ? (
        <Winner view={view} line={best} />
      ) : (
        <p className="panel aside">There was nothing to compare in this round.</p>
      )}
      <ol className="board" aria-label="The best of this round" start={1}>
        {view.board.slice(0, 3).map((line) => (
          <Line key={line.entry} view={view} line={line} isMine={line.entry === standing.me?.entry} />
        ))}
      </ol>
    </div>
  );
}

function LookUp({ round }: { round: number }) {
  return (
    <div className="waiting">
      <h1>Look up!</h1>
      <p className="panel aside">The big screen tells the result of round {round}. It comes here in a moment.</p>
    </div>
  );
}

/** Whether the big screen has told all places: who looks down at a phone must not know before. */
function useTold(view: BattleView, left: () => number | null): boolean {
  useTick(250);
  const toldRound = useRef(0);
  const podium = places(view.board);
  if (told(podium.length, elapsed(view, left()), lengthOf(view) ?? 0) === podium.length) toldRound.current = view.round;
  return toldRound.current === view.round; // told stays told, also when the host gives more time
}

function Mine({ view, me }: { view: BattleView; me: SeatView | undefined }) {
  const mine = myStanding(view, me);
  if (!mine) return <h1>Round {view.round}: the result</h1>;
  const doubt = doubtInWords(mine);
  return (
    <div className="mine">
      <h1>{placeInWords(mine)}</h1>
      <p className="soft">
        {mine.points} points · won {mine.wins} of {plural(mine.games, "match", "matches")}
        {doubt === "too close to call" && " · too close to call with the one above"}
      </p>
    </div>
  );
}

function placeInWords({ rank, is_tied }: StandingView): string {
  if (rank === 1) return is_tied ? "Your meme shares the first place!" : "Your meme won the round!";
  return `Your meme came ${ordinal(rank)}${is_tied ? ", in a tie" : ""}`;
}

function Winner({ view, line }: { view: BattleView; line: StandingView }) {
  const entry = entryOf(view, line.entry);
  const maker = makerOf(view, entry);
  if (!entry?.image_url) return null;
  return (
    <figure className="winner panel">
      <div className="frame">
        <img src={entry.image_url} alt={`Best of the round: ${entry.prompt ?? "a meme"}`} width="512" height="512" />
      </div>
      <figcaption>
        {maker && <Face number={maker.avatar} size={40} />}
        <span>
          <b>{maker?.name ?? "Somebody"}</b> {line.is_tied ? "shares the first place" : "has the best of the round"}
        </span>
      </figcaption>
    </figure>
  );
}

function Line({ view, line, isMine }: { view: BattleView; line: StandingView; isMine: boolean }) {
  const entry = entryOf(view, line.entry);
  const maker = makerOf(view, entry);
  const doubt = doubtInWords(line);
  return (
    <li className="panel" data-mine={isMine}>
      <b className="rank">{line.rank}</b>
      {entry?.image_url && <img src={entry.image_url} alt="" width="56" height="56" />}
      <span className="who">
        <b>
          {maker?.name ?? "Somebody"}
          {isMine && " (you)"}
        </b>
        <small>{entry?.prompt}</small>
      </span>
      <span className="points">
        {line.points}
        {doubt && <small>{doubt}</small>}
      </span>
    </li>
  );
}
