/** Prompts in what the coach said: two lines as `top | bottom`, in quotation marks or on a line of their own. */

export interface Suggestion {
  top: string;
  bottom: string;
}

const MOST = 4;
const LONGEST = 240; // characters of both lines together
// any kind of quotation marks; what is quoted has exactly one bar and no quotation marks of its own
const QUOTED = /["“„«]([^"“”„«»\n|]+)\|([^"“”„«»\n|]+)["”“»]/gu;
const LINE = /^\s*(?:[-*•]|\d+[.)])?\s*([^|"“”„«»]+)\|([^|"“”„«»]+)$/u;

export function suggestionsIn(answer: string): Suggestion[] {
  const lines = answer.split("\n").map((line) => LINE.exec(line)).filter((found) => found !== null);
  const found = new Map<string, Suggestion>();
  for (const [, top = "", bottom = ""] of [...answer.matchAll(QUOTED), ...lines]) {
    const suggestion = { top: bare(top), bottom: bare(bottom) };
    if (isUsable(suggestion)) found.set(promptOf(suggestion), suggestion);
  }
  return [...found.values()].slice(0, MOST);
}

/** As a meme's prompt. */
export const promptOf = ({ top, bottom }: Suggestion): string => `${top} | ${bottom}`;

const isUsable = (suggestion: Suggestion): boolean =>
  suggestion.top !== "" && suggestion.bottom !== "" && promptOf(suggestion).length <= LONGEST;

/** Without the marks of emphasis that models put around words. */
const bare = (text: string): string => text.trim().replace(/^[*_`]+|[*_`]+$/gu, "").trim();
