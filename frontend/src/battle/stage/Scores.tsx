import { Face } from "../Face";
import type { PlayerView } from "../types";
import { plural } from "../words";

const MOST = 8;

/** The players with the most points so far. */
export function Scores({ players, title = "Points so far" }: { players: readonly PlayerView[]; title?: string }) {
  const ranked = players.filter((player) => !player.is_out);
  const more = ranked.length - MOST;
  return (
    <section className="scores" aria-labelledby="scores-title" data-empty={ranked.length === 0}>
      <h2 id="scores-title">{title}</h2>
      <ol>
        {ranked.slice(0, MOST).map(({ seat, rank, avatar, name, points }) => (
          <li key={seat} className="score">
            <span className="score-rank">{rank}</span>
            <Face number={avatar} size={40} />
            <span className="score-name">{name}</span>
            <span className="score-points">{points}</span>
          </li>
        ))}
      </ol>
      {more > 0 && <p className="more">and {plural(more, "more player")}</p>}
    </section>
  );
}
