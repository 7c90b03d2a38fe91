import { useEffect, useState } from "react";
import { announce } from "../ui/announcer";
import { Confetti } from "./Confetti";
import { Face } from "./Face";
import { champion, makerOf, podium } from "./results";
import { share, winnerCard } from "./winner-card";
import type { BattleView, PlayerView, SeatView } from "./types";
import { ordinal } from "./words";

interface Props {
  code: string;
  view: BattleView;
  me: SeatView | undefined;
}

/** The end: three steps, the meme of the battle, and a card to take home. */
export function Podium({ code, view, me }: Props) {
  const steps = podium(view);
  const [first, second, third] = steps;
  const meme = champion(view);
  const maker = makerOf(view, meme);
  useEffect(() => {
    if (first) announce(`${winnersInWords(steps)}.`);
    // the podium does not change any more
  }, [first?.seat]);
  return (
    <div className="podium">
      <Confetti />
      <h1>{titleFor(me, steps)}</h1>
      {me?.is_player && me.rank !== 1 && (
        <p className="soft">
          You came {ordinal(me.rank)} of {view.seats} with {me.points} points.
        </p>
      )}
      {first && (
        <ol className="steps" aria-label="Podium">
          {[first, second, third].map((player) => player && <Step key={player.seat} player={player} players={steps} />)}
        </ol>
      )}
      {meme?.image_url && (
        <figure className="winner panel">
          <div className="frame">
            <img src={meme.image_url} alt={`The meme of the battle: ${meme.prompt ?? ""}`} width="512" height="512" />
          </div>
          <figcaption>
            {maker && <Face number={maker.avatar} size={40} />}
            <span>
              The meme of the battle{maker && ", by "}
              {maker && <b>{maker.name}</b>}
            </span>
          </figcaption>
          <Keepsake code={code} image={meme.image_url} prompt={meme.prompt ?? ""} name={maker?.name ?? ""} />
        </figure>
      )}
      <p className="buttons centred">
        <a className="button" href="#/battle">
          Another battle
        </a>
        <a className="button" href="#/">
          Make a meme
        </a>
      </p>
    </div>
  );
}

function Step({ player, players }: { player: PlayerView; players: PlayerView[] }) {
  const isTied = players.some((other) => other !== player && other.rank === player.rank);
  return (
    <li data-rank={player.rank}>
      <Face number={player.avatar} size={64} />
      <b className="name">{player.name}</b>
      <span className="block">
        <b>{player.rank}</b>
        <small>{player.points} points</small>
        {isTied && <small>a tie</small>}
      </span>
    </li>
  );
}

function Keepsake({ code, image, prompt, name }: { code: string; image: string; prompt: string; name: string }) {
  const [trouble, setTrouble] = useState("");
  async function take() {
    try {
      await share(await winnerCard({ code, image, prompt, name, at: new Date() }), `memebattle-${code}.png`);
      setTrouble("");
    } catch {
      setTrouble("The card could not be made: the picture may be gone.");
    }
  }
  return (
    <div className="keepsake">
      <button className="primary" onClick={() => void take()}>
        Keep the winner's card
      </button>
      <p className="complaint" role="alert">
        {trouble}
      </p>
    </div>
  );
}

function titleFor(me: SeatView | undefined, steps: PlayerView[]): string {
  if (steps.length === 0) return "The battle is over";
  if (!me?.is_player || me.rank !== 1) return winnersInWords(steps);
  const isShared = steps.some((player) => player.rank === 1 && player.seat !== me.seat);
  return isShared ? "You share the first place!" : "You won the battle!";
}

function winnersInWords(players: PlayerView[]): string {
  const first = players.filter((player) => player.rank === 1).map((player) => player.name);
  if (first.length <= 1) return `${first[0] ?? "Nobody"} wins the battle`;
  return `A tie: ${new Intl.ListFormat("en").format(first)} share the first place`;
}
