/** What the game says. */
import { isChampion, isLastDuel, type Champions } from "./results";
import type { BattleView, Code, DuelView, PlayerView, SeatView } from "./types";

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

/** What a match is called: two semi-finals lead to the final of four, among fewer there is only the final. */
export function duelTitle(view: BattleView, duel: DuelView | undefined): string {
  if (!duel || isLastDuel(view, duel)) return "The final";
  return duel.number === 1 ? "First semi-final" : "Second semi-final";
}

/** What somebody who comes late can still do. */
export function lateInWords({ phase, round, rounds }: BattleView): string {
  if (phase === "lobby") return "";
  if (phase === "prompt") return "the game is on: you play at once";
  if (round >= rounds) return "the last memes are in: you only vote";
  return `the game is on: you ${phase === "reveal" ? "" : "vote now and "}play from the next round`;
}

/** The end, for me. */
export function endInWords(found: Champions, me: SeatView | undefined): string {
  if (!isChampion(found, me)) return winnersInWords(found.players);
  const isShared = found.players.some((player) => player.seat !== me?.seat);
  return isShared ? "You share the first place!" : "You won the battle!";
}

/** The end, for everybody. */
export function winnersInWords(players: readonly PlayerView[]): string {
  const names = players.map((player) => player.name);
  if (names.length === 0) return "The battle is over";
  if (names.length === 1) return `${names[0]} wins the battle`;
  return `A tie: ${new Intl.ListFormat("en").format(names)} share the first place`;
}

/** Where I came, unless the title says so. Who won the final need not have the most points. */
export function placeByPoints(found: Champions, me: SeatView | undefined, seats: number): string | undefined {
  if (!me?.is_player || found.players.length === 0 || isChampion(found, me)) return undefined;
  return `${found.byKnockout ? "By points you" : "You"} came ${ordinal(me.rank)} of ${seats} with ${me.points} points.`;
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
