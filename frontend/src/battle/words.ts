/** What the game says. */
import type { BattleView, Code, DuelView } from "./types";

/** The phase as one would say it aloud. */
export function phaseInWords(view: BattleView): string {
  switch (view.phase) {
    case "lobby":
      return "The lobby is open";
    case "prompt":
      return `Round ${view.round} of ${view.rounds}: write a meme about ${view.theme}`;
    case "paint":
      return "Pencils down: the memes are being painted";
    case "vote":
      return "Vote: which of the two is better?";
    case "reveal":
      return `The result of round ${view.round}`;
    case "duel":
      return duelTitle(view, view.duels.at(-1));
    case "verdict":
      return "The verdict";
    case "finished":
      return "The podium";
  }
}

/** Whether the champion is found in this match. */
export const isLastDuel = (view: BattleView, duel: DuelView): boolean => duel.number === view.matches;

/** What a match is called: two semi-finals lead to the final of four, among fewer there is only the final. */
export function duelTitle(view: BattleView, duel: DuelView | undefined): string {
  if (!duel || isLastDuel(view, duel)) return "The final";
  return duel.number === 1 ? "First semi-final" : "Second semi-final";
}

const TITLES: Partial<Record<Code, string>> = {
  unknown_battle: "No such battle",
  unknown_seat: "No seat here",
  full: "Every seat is taken",
  not_now: "Not now",
  refused_words: "Not these words",
  taken: "That name is taken",
  too_fast: "Slower, please",
  unavailable: "Nobody answers",
};

/** What went wrong, as a headline. The server's own sentence says why. */
export const problemInWords = (code: Code): string => TITLES[code] ?? "That did not work";

/** A sentence of the server as one on a page. */
export const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };

export const ordinal = (rank: number): string => `${rank}${ENDINGS[ORDINALS.select(rank)] ?? "th"}`;
