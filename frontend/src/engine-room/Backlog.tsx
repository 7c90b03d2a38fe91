import { isFresh, type Engine } from "./engine";
import { spark } from "./spark";

const WIDTH = 480;
const HEIGHT = 96;

/** How much waits, now and over the last two minutes. */
export function Backlog({ engine, now }: { engine: Engine; now: number }) {
  const { line, area, ceiling } = spark(engine.samples, now, WIDTH, HEIGHT);
  const lag = engine.stats?.lag ?? null;
  return (
    <figure className="backlog" data-old={!isFresh(engine, now)}>
      <figcaption>
        <strong className="big" data-testid="lag">
          {lag ?? "–"}
        </strong>
        <span>waiting or in work</span>
      </figcaption>
      <div className="spark">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <path className="spark-floor" d={`M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 1}H${WIDTH}M0 1H${WIDTH}`} />
          <path className="spark-area" d={area} />
          <path className="spark-line" d={line} />
        </svg>
        <span className="scale" aria-hidden="true">
          {ceiling}
        </span>
        <span className="ago" aria-hidden="true">
          last 2 minutes
        </span>
      </div>
    </figure>
  );
}
