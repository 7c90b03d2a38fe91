import type { BattleView } from "../types";
import { plural } from "../words";
import { Gallery } from "./Gallery";
import { Progress } from "./Progress";
import type { Tile } from "./tiles";

/** All memes without names, and how far the voters are. */
export function Voting({ view, tiles }: { view: BattleView; tiles: readonly Tile[] }) {
  return (
    <div className="scene voting">
      <div className="scene-head">
        <h1>Vote on your phone</h1>
        <p className="tally">
          <strong>{view.votes}</strong> {view.votes === 1 ? "choice" : "choices"} · {view.voters_done} of{" "}
          {plural(view.seats, "voter")} done
        </p>
      </div>
      <Progress value={view.voters_done} of={view.seats} label="Voters done" />
      <Gallery tiles={tiles.filter((tile) => tile.kind === "picture")} label="Memes of this round, makers unknown" />
    </div>
  );
}
