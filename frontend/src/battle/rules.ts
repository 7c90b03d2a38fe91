/** What a host fills in, and the options it becomes. */
import { lengthOf } from "../memes/types";
import { MAX_THEME, MAX_THEMES, type Moderation, type Options } from "./types";

export interface Rules {
  rounds: number;
  promptSeconds: number;
  voteSeconds: number;
  pace: number;
  moderation: Moderation;
  approve: boolean;
  final: boolean;
  /** As typed: one theme in a line. */
  themes: string;
}

export const USUAL: Rules = {
  rounds: 2,
  promptSeconds: 60,
  voteSeconds: 45,
  pace: 1,
  moderation: "moderate",
  approve: false,
  final: true,
  themes: "",
};

export const PACES: readonly (readonly [number, string])[] = [
  [1, "As usual"],
  [1.5, "Half as much again"],
  [2, "Twice as much"],
];

const CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{4}$/;

export const themesIn = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, MAX_THEMES);

/** The first theme that is too long to be read on a screen. */
export const longTheme = (text: string): string | undefined =>
  themesIn(text).find((theme) => lengthOf(theme) > MAX_THEME);

export function optionsOf(rules: Rules): Partial<Options> {
  return {
    rounds: rules.rounds,
    prompt_seconds: rules.promptSeconds,
    vote_seconds: rules.voteSeconds,
    pace: rules.pace,
    moderation: rules.moderation,
    approve: rules.approve,
    final: rules.final,
    themes: themesIn(rules.themes),
  };
}

/** The code in what somebody typed or pasted: four letters, or an address that ends in them. */
export function codeIn(text: string): string | undefined {
  const last = text.trim().toUpperCase().split("/").at(-1)!.replace(/[\s-]/g, "");
  return CODE.test(last) ? last : undefined;
}
