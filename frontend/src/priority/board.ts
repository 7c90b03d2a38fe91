/** The ranking as it is now: asked for every few seconds while somebody looks, and at once when something changed. */
import { inWords, Problem } from "../ui/problem";
import * as http from "./http";
import type { Ranking, Rules } from "./types";

export const EVERY_MS = 3000;
const PAGE = 50;
const MOST = 500;

export interface Standing {
  readonly ranking?: Ranking;
  readonly rules?: Rules;
  readonly filter: http.Filter;
  readonly limit: number;
  /** Why the ranking is not the present one, for people. */
  readonly trouble?: string;
}

export class Board {
  private standing: Standing = { filter: {}, limit: PAGE };
  private readonly watchers = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  open(): void {
    document.addEventListener("visibilitychange", this.look);
    this.look();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.timer);
    this.asked += 1;
  }

  readonly read = (): Standing => this.standing;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Look again, now. */
  readonly look = (): void => {
    clearTimeout(this.timer);
    if (document.visibilityState === "visible") void this.refresh();
  };

  show(filter: http.Filter): void {
    this.change({ filter, limit: PAGE });
    this.look();
  }

  more(): void {
    this.change({ limit: Math.min(MOST, this.standing.limit + PAGE) });
    this.look();
  }

  get hasMore(): boolean {
    const { ranking, limit } = this.standing;
    return ranking !== undefined && ranking.total > ranking.items.length && limit < MOST;
  }

  private async refresh(): Promise<void> {
    const number = ++this.asked;
    const { limit, filter, rules } = this.standing;
    let pause = EVERY_MS;
    try {
      const [ranking, found] = await Promise.all([http.ranking(limit, filter), rules ?? http.rules()]);
      if (number === this.asked) this.change({ ranking, rules: found, trouble: undefined });
    } catch (error) {
      if (error instanceof Problem && error.retryAfter) pause = Math.max(pause, error.retryAfter * 1000);
      if (number === this.asked) this.change({ trouble: inWords(error) });
    }
    // somebody who asked meanwhile has a round of their own
    if (number === this.asked) this.timer = setTimeout(this.look, pause);
  }

  private change(part: { [name in keyof Standing]?: Standing[name] | undefined }): void {
    this.standing = { ...this.standing, ...part } as Standing;
    for (const watcher of this.watchers) watcher();
  }
}
