/** One task, followed: where it stands, and everything that was stored about it, as it happens. */
import { inWords } from "../ui/problem";
import * as http from "./http";
import type { PriorityError, PriorityOverride, PriorityResult, PrioritySuggestions, TaskState } from "./types";

export type Chapter = { place: number } & (
  | { kind: "result"; data: PriorityResult }
  | { kind: "error"; data: PriorityError }
  | { kind: "suggestions"; data: PrioritySuggestions }
  | { kind: "override"; data: PriorityOverride }
);

export interface Told {
  readonly state?: TaskState;
  /** Oldest first. */
  readonly chapters: readonly Chapter[];
  readonly trouble?: string;
}

const KINDS = ["result", "error", "suggestions", "override"] as const;

/** With one more chapter, each once and in the order they were stored. */
export function withChapter(chapters: readonly Chapter[], chapter: Chapter): readonly Chapter[] {
  if (chapters.some(({ place }) => place === chapter.place)) return chapters;
  return [...chapters, chapter].sort((one, other) => one.place - other.place);
}

export class Story {
  private told: Told = { chapters: [] };
  private readonly watchers = new Set<() => void>();
  private source: EventSource | undefined;

  constructor(readonly id: string) {}

  open(): void {
    void this.look();
    const source = http.follow(this.id);
    this.source = source;
    source.addEventListener("status", () => void this.look());
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.heard(kind, event));
  }

  close(): void {
    this.source?.close();
  }

  readonly read = (): Told => this.told;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** A state that is known already, from the answer to a decision. */
  stands(state: TaskState): void {
    this.change({ ...this.told, state });
  }

  private async look(): Promise<void> {
    try {
      const state = await http.look(this.id);
      this.change({ chapters: this.told.chapters, state });
    } catch (error) {
      this.change({ ...this.told, trouble: inWords(error) });
    }
  }

  private heard(kind: Chapter["kind"], event: MessageEvent<string>): void {
    if (event.data === undefined) return; // the EventSource's own `error`: it comes back by itself
    const chapter = { kind, place: Number(event.lastEventId), data: JSON.parse(event.data) } as Chapter;
    this.change({ ...this.told, chapters: withChapter(this.told.chapters, chapter) });
    void this.look();
  }

  private change(told: Told): void {
    this.told = told;
    for (const watcher of this.watchers) watcher();
  }
}
