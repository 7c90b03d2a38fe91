import { Confetti } from "../Confetti";
import { Face } from "../Face";
import { champions, type Champions } from "../results";
import type { BattleView } from "../types";
import { Maker } from "./Reveal";
import { Scores } from "./Scores";

/** The champion, everybody's points, and the battle to take home. */
export function Podium({ view }: { view: BattleView }) {
  const found = champions(view);
  const exports = `/api/battles/${view.battle_id}/export`;
  return (
    <div className="scene podium">
      <div className="champion" data-testid="champion">
        <p className="crown" aria-hidden="true">
          <Crown />
        </p>
        <h1>{headline(found)}</h1>
        <Celebrated found={found} view={view} />
      </div>
      <div className="podium-side">
        <Scores players={view.players} title="Final points" />
        <p className="buttons">
          <a className="button" href={`${exports}.json`} download>
            Export as JSON
          </a>
          <a className="button" href={`${exports}.csv`} download>
            Export as CSV
          </a>
        </p>
      </div>
      <Confetti />
    </div>
  );
}

function Celebrated({ found: { entry, players }, view }: { found: Champions; view: BattleView }) {
  return (
    <figure className="laurels">
      {entry?.image_url && <img src={entry.image_url} alt={`The winning meme: ${entry.prompt ?? ""}`} />}
      <figcaption>
        {entry ? (
          <Maker entry={entry} players={view.players} />
        ) : (
          players.map((player) => (
            <span key={player.seat} className="maker">
              <Face number={player.avatar} size={48} />
              <b>{player.name}</b>
            </span>
          ))
        )}
        {entry?.prompt && <q>{entry.prompt}</q>}
      </figcaption>
    </figure>
  );
}

function headline({ players, byKnockout }: Champions): string {
  if (players.length === 0) return "That was the battle";
  if (players.length > 1) return `${players.length} champions`;
  return byKnockout ? "Champion of the battle" : "Most points of all";
}

const Crown = () => (
  <svg viewBox="0 0 64 40">
    <path d="M4 36 2 8l16 12L32 2l14 18L62 8l-2 28Z" />
  </svg>
);
