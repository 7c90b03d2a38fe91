/**
 * Whose conversation this tab follows, and what it knows of it: kept for as long as the tab lives.
 *
 * A session's id is all one needs to listen to it, so it cannot be guessed. A browser that keeps nothing costs
 * the memory, not the page.
 */
import { newId } from "../ui/unique";
import type { Turn } from "./transcript";

const SESSION = "memebattle:chat:session";
const TURNS = "memebattle:chat:turns:";
const MOST_TURNS = 60;
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/** The session that a link names, else this tab's own, else a new one. */
export function sessionFor(wanted: string | null): string {
  const known = quietly(() => sessionStorage.getItem(SESSION)) ?? null;
  const session = [wanted, known].find((each) => each !== null && TOKEN.test(each)) ?? `sess_${newId()}`;
  if (session !== known) quietly(() => sessionStorage.setItem(SESSION, session));
  return session;
}

/** Leave the old conversation alone and begin another. */
export function newSession(): string {
  quietly(() => sessionStorage.removeItem(SESSION));
  return sessionFor(null);
}

export function keptTurns(session: string): readonly Turn[] {
  const kept: unknown = quietly(() => JSON.parse(sessionStorage.getItem(TURNS + session) ?? "[]"));
  return Array.isArray(kept) ? kept : [];
}

export function keepTurns(session: string, turns: readonly Turn[]): void {
  quietly(() => sessionStorage.setItem(TURNS + session, JSON.stringify(turns.slice(-MOST_TURNS))));
}

function quietly<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}
