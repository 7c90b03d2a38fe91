import { useEffect, useRef, type CSSProperties } from "react";
import { announce } from "../../ui/announcer";
import { useTick } from "../../ui/use";
import { Face } from "../Face";
import { placeInWords, places, told, type Place } from "../drama";
import { elapsed, lengthOf } from "../times";
import type { BattleView, EntryView, PlayerView, StandingView } from "../types";
import { Scores } from "./Scores";

const MOST_PICTURES = 3;

interface Props {
  view: BattleView;
  left: () => number | null;
}

/** Third, second, first; then the points of everybody. */
export function Reveal({ view, left }: Props) {
  useTick(250);
  const podium = places(view.board);
  const count = useTold(view, podium, left);
  const isWhole = count === podium.length;
  return (
    <div className="scene reveal" data-whole={isWhole}>
      <div className="reveal-main">
        <h1>Round {view.round}: the result</h1>
        {podium.length === 0 && <p className="nothing">There was nothing to compare this time.</p>}
        <ol className="places" data-count={podium.length}>
          {podium.map((place, at) => (
            <PlaceCard key={place.rank} place={place} view={view} isTold={at < count} />
          ))}
        </ol>
      </div>
      <Scores players={isWhole ? view.players : []} />
    </div>
  );
}

function PlaceCard({ place, view, isTold }: { place: Place; view: BattleView; isTold: boolean }) {
  const { rank, standings } = place;
  const pictures = Math.min(standings.length, MOST_PICTURES);
  const more = standings.length - pictures;
  return (
    <li className="place" data-rank={rank} data-told={isTold} style={{ "--pictures": pictures } as CSSProperties}>
      <p className="rank">
        {isTold ? placeInWords(rank) : "\u00a0"}
        {isTold && standings.length > 1 && <span className="tie">a tie of {standings.length}</span>}
        {isTold && standings.some((each) => each.is_close) && <span className="close">too close to call</span>}
      </p>
      <div className="place-memes">
        {isTold ? (
          standings
            .slice(0, pictures)
            .map((standing) => <Winner key={standing.entry} standing={standing} view={view} />)
        ) : (
          <div className="curtain" aria-hidden="true">
            ?
          </div>
        )}
      </div>
      {isTold && more > 0 && <p className="more">and {more} more</p>}
    </li>
  );
}

function Winner({ standing, view }: { standing: StandingView; view: BattleView }) {
  const entry = view.entries.find((each) => each.id === standing.entry);
  return (
    <figure className="winner">
      {entry?.image_url && <img src={entry.image_url} alt={entry.prompt ? `Meme: ${entry.prompt}` : "Meme"} />}
      <figcaption>
        <Maker entry={entry} players={view.players} />
        <span className="record">
          {standing.points} points, won {standing.wins} of {standing.games}
        </span>
      </figcaption>
    </figure>
  );
}

/** Who made a meme, face and name. */
export function Maker({ entry, players }: { entry: EntryView | undefined; players: readonly PlayerView[] }) {
  const maker = entry?.seat ? players.find((player) => player.seat === entry.seat) : undefined;
  if (!maker) return null;
  return (
    <span className="maker">
      <Face number={maker.avatar} size={48} />
      <b>{maker.name}</b>
    </span>
  );
}

/** How many places are out by now. What was told stays told, also when the host gives more time. */
function useTold(view: BattleView, podium: readonly Place[], left: () => number | null): number {
  const most = useRef({ round: view.round, count: 0 });
  const now = told(podium.length, elapsed(view, left()), lengthOf(view) ?? 0);
  const before = most.current.round === view.round ? most.current.count : 0;
  const count = Math.max(now, before);
  useEffect(() => {
    most.current = { round: view.round, count };
    const place = podium[count - 1];
    if (place) announce(`${placeInWords(place.rank)}: ${names(place, view)}${doubt(place)}`);
  }, [count, view.round]);
  return count;
}

function names({ standings }: Place, { entries, players }: BattleView): string {
  const seats = standings.map(({ entry }) => entries.find((each) => each.id === entry)?.seat);
  return seats.map((seat) => players.find((player) => player.seat === seat)?.name ?? "somebody").join(" and ");
}

const doubt = ({ standings }: Place): string => (standings.some((each) => each.is_close) ? ", too close to call" : "");
