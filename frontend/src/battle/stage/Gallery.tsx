import { useLayoutEffect, useRef, useState, type CSSProperties } from "react";
import { columnsFor, type Tile } from "./tiles";

interface Props {
  tiles: readonly Tile[];
  label: string;
  /** One row of small ones instead of as large as fits. */
  isStrip?: boolean;
}

/** All memes of the round, as large as the screen allows; nobody is named. */
export function Gallery({ tiles, label, isStrip = false }: Props) {
  const { ref, style } = useFit(tiles.length);
  return (
    <ul ref={ref} className="gallery" data-strip={isStrip} aria-label={label} style={style}>
      {tiles.map((tile) => (
        <li key={tile.key} className="tile" data-kind={tile.kind}>
          <Content tile={tile} />
        </li>
      ))}
    </ul>
  );
}

function Content({ tile }: { tile: Tile }) {
  switch (tile.kind) {
    case "picture":
      return <img src={tile.entry.image_url!} alt="A meme of this round" decoding="async" />;
    case "covered":
      return <Words mark="?" text="painted" />;
    case "waiting":
      return <Words mark="…" text="waits for the host" />;
    case "failed":
      return <Words mark="×" text="would not be painted" />;
    case "painting":
      return <Words mark="brush" text={`${tile.worker} paints`} />;
    case "inLine":
      return <Words mark="·" text="in line" />;
  }
}

function Words({ mark, text }: { mark: string; text: string }) {
  return (
    <span className="tile-words">
      {mark === "brush" ? <span className="brush" aria-hidden="true" /> : <b aria-hidden="true">{mark}</b>}
      <span>{text}</span>
    </span>
  );
}

/** The columns and the side of square tiles that fill the box best; follows when the box changes. */
function useFit(count: number) {
  const ref = useRef<HTMLUListElement>(null);
  const [box, setBox] = useState({ width: 16, height: 9 });
  useLayoutEffect(() => {
    if (!ref.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setBox(entry.contentRect));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  const columns = columnsFor(count, box.width / Math.max(1, box.height));
  const side = Math.min(box.width / columns, box.height / Math.ceil(count / columns));
  return { ref, style: { "--columns": columns, "--side": `${Math.floor(side)}px` } as CSSProperties };
}
