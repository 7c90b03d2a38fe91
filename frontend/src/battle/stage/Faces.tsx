import { Face } from "../Face";
import type { PlayerView } from "../types";
import { useShrink } from "./useShrink";

/** Of more people only the faces are shown; their names are still read aloud. */
const MOST_NAMES = 80;

interface Props {
  players: readonly PlayerView[];
  /** Show who has handed in, by a tick as well as by colour. */
  withTicks?: boolean;
}

/** Everybody's face and name, popping in as they come. */
export function Faces({ players, withTicks = false }: Props) {
  const shown = players.filter((player) => !player.is_out).toSorted(byName);
  const ticks = withTicks ? shown.filter((player) => player.has_entered).length : 0;
  const ref = useShrink<HTMLUListElement>(shown.length, ticks);
  return (
    <ul ref={ref} className="faces" data-nameless={shown.length > MOST_NAMES}>
      {shown.map((player) => (
        <li key={player.seat} className="face-card" data-in={withTicks ? player.has_entered : undefined}>
          <Face number={player.avatar} size={64} />
          <span className="face-name">{player.name}</span>
          {withTicks && player.has_entered && (
            <span className="tick">
              <span aria-hidden="true">✓</span>
              <span className="unseen">has handed in</span>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** By name, so that nobody jumps when points change. */
const byName = (one: PlayerView, other: PlayerView): number =>
  one.name.localeCompare(other.name) || (one.seat < other.seat ? -1 : 1);
