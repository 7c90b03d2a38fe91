/** What the link has told of the platform so far, for every panel that shows it. */
import type { Link } from "../nats/link";
import { heard, SILENT, type Engine } from "./engine";
import { Storm, type LookUp } from "./storm";
import type { MemeStats } from "./types";

/** Listens from the first use on, so that a panel that is opened again has its two minutes of history. */
export class Stats {
  private engine: Engine = SILENT;
  private readers = new Set<() => void>();

  constructor(link: Pick<Link, "listen">, now: () => number = Date.now) {
    link.listen("meme.stats", (body) => {
      this.engine = heard(this.engine, body as MemeStats, now());
      this.readers.forEach((reader) => reader());
    });
  }

  read = (): Engine => this.engine;

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };
}

const known = new WeakMap<Link, Stats>();
const storms = new WeakMap<Link, Storm>();

/** The figures of this link. */
export function statsOf(link: Link): Stats {
  const stats = known.get(link) ?? new Stats(link);
  known.set(link, stats);
  return stats;
}

/** The storm of this link: it goes on while its panel is closed. */
export function stormOf(link: Link, subject: string): Storm {
  const storm = storms.get(link) ?? new Storm(link, subject, lookUp);
  storms.set(link, storm);
  return storm;
}

const lookUp: LookUp = async (id) => {
  const response = await fetch(`/api/memes/${id}`);
  if (response.status !== 200) return undefined;
  return "error" in (await response.json()) ? "failed" : "painted";
};
