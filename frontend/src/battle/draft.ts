/** What somebody was writing, in case the page is loaded again before it was handed in. */

const keyOf = (code: string, round: number): string => `memebattle:draft:${code}:${round}`;

export function draft(code: string, round: number): string | undefined {
  try {
    return sessionStorage.getItem(keyOf(code, round)) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keepDraft(code: string, round: number, text: string): void {
  try {
    sessionStorage.setItem(keyOf(code, round), text);
  } catch {
    // it lasts as long as the page
  }
}
