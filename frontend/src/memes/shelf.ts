/**
 * What survives a reload: requests in work, and the last memes; their pictures are in the album.
 *
 * One key per request, so that two tabs do not write over each other. A browser that keeps nothing (private
 * mode, full disk) costs the memory, not the page.
 */
import * as album from "./album";
import type { MemeCreated, NamedRequest } from "./types";

export interface Kept {
  request: NamedRequest;
  madeAt: number;
  meme?: MemeCreated;
}

const PREFIX = "memebattle:ticket:";
const DAY_MS = 24 * 3600 * 1000;
const MOST_FINISHED = 60;

export function keep(kept: Kept): void {
  quietly(() => localStorage.setItem(PREFIX + kept.request.id, JSON.stringify(kept)));
}

export function forget(id: string): void {
  quietly(() => localStorage.removeItem(PREFIX + id));
  void album.forget(id);
}

/** Everything kept, newest first; requests that the servers have forgotten by now are dropped. */
export function kept(now = Date.now()): Kept[] {
  const all = keys().flatMap((key) => read(key) ?? []);
  all.sort((a, b) => b.madeAt - a.madeAt);
  let finished = 0;
  return all.filter((each) => {
    const stays = each.meme ? ++finished <= MOST_FINISHED : now - each.madeAt < DAY_MS;
    if (!stays) forget(each.request.id);
    return stays;
  });
}

function keys(): string[] {
  return quietly(() => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))) ?? [];
}

function read(key: string): Kept | undefined {
  return quietly(() => {
    const value: Kept = JSON.parse(localStorage.getItem(key) ?? "null");
    return typeof value?.request?.prompt === "string" ? value : undefined;
  });
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
