import type { BattleView } from "../types";
import { Faces } from "./Faces";
import { Gallery } from "./Gallery";
import { Progress } from "./Progress";
import type { Tile } from "./tiles";

/** The theme, who has handed in, and how the workers get on, faces down. */
export function Prompting({ view, tiles }: { view: BattleView; tiles: readonly Tile[] }) {
  const begun = tiles.filter((tile) => tile.kind !== "inLine");
  return (
    <div className="scene prompting">
      <div className="speech">
        <p className="speech-lead">Make a meme about</p>
        <h1 className="theme">{view.theme}</h1>
      </div>
      <section className="pens" aria-labelledby="pens-title">
        <h2 id="pens-title">
          <strong>{view.entered}</strong> of {view.seats} handed in
        </h2>
        <Progress value={view.entered} of={view.seats} label="Handed in" />
        <Faces players={view.players} withTicks />
      </section>
      {begun.length > 0 && <Gallery tiles={begun} isStrip label="Memes in work" />}
    </div>
  );
}
