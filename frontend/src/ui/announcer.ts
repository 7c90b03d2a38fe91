/** What the page says aloud: one polite live region for all rooms, in `App`, and one in a sheet that is open. */

let said = "";
const readers = new Set<() => void>();

/** Say this to who hears the page, also when it is the same as before. */
export function announce(text: string): void {
  said = text === said ? `${text}\u00a0` : text;
  readers.forEach((reader) => reader());
}

export const lastSaid = (): string => said;

export function onSaid(reader: () => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}
