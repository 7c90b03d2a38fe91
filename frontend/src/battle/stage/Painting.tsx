import type { BattleView } from "../types";
import { Gallery } from "./Gallery";
import { Progress } from "./Progress";
import type { Tile } from "./tiles";

/** The gallery fills in, each empty frame with the worker that paints it. */
export function Painting({ view, tiles }: { view: BattleView; tiles: readonly Tile[] }) {
  return (
    <div className="scene painting">
      <div className="scene-head">
        <h1>The workers are painting</h1>
        <p className="tally">
          <strong>{view.painted}</strong> of {view.entered} ready
        </p>
      </div>
      <Progress value={view.painted} of={view.entered} label="Pictures ready" />
      {tiles.length > 0 ? (
        <Gallery tiles={tiles} label="Memes of this round" />
      ) : (
        <p className="nothing">Nobody handed in a prompt this time.</p>
      )}
    </div>
  );
}
