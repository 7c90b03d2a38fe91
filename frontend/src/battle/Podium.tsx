import { useEffect, useState } from "react";
import { announce } from "../ui/announcer";
import { Confetti } from "./Confetti";
import { Face } from "./Face";
import { champion, champions, makerOf, podium } from "./results";
import { share, winnerCard } from "./winner-card";
import type { BattleView, PlayerView, SeatView } from "./types";
import { endInWords, placeByPoints, winnersInWords } from "./words";

interface Props {
  code: string;
  view: BattleView;
  me: SeatView | undefined;
}

/** The end: three steps, the meme of the battle, and a card to take home. */
export function Podium({ code, view, me }: Props) {
  const steps = podium(view);
  const found = champions(view);
  const place = placeByPoints(found, me, view.seats);
  const meme = champion(view);
  const maker = makerOf(view, meme);
  const news = `${winnersInWords(found.players)}.`;
  useEffect(() => announce(news), [news]);
  return (
    <div className="podium">
      <Confetti />
      <h1>{endInWords(found, me)}</h1>
      {place && <p className="soft">{place}</p>}
      {found.players.length > 0 && <Steps players={steps} title={found.byKnockout ? MOST_POINTS : undefined} />}
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

const MOST_POINTS = "The most points";

/** By points; who won the final may stand elsewhere, so then they have to be called what they are. */
function Steps({ players, title }: { players: PlayerView[]; title: string | undefined }) {
  return (
    <>
      {title && <h2>{title}</h2>}
      <ol className="steps" aria-label={title ?? "Podium"}>
        {players.map((player) => (
          <Step key={player.seat} player={player} players={players} />
        ))}
      </ol>
    </>
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
