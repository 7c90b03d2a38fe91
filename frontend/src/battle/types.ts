/** The wire language of battles, after `memebattle/battle/messages.py`. */

export type Phase = "lobby" | "prompt" | "paint" | "vote" | "reveal" | "duel" | "verdict" | "finished";
export type Choice = "left" | "right" | "skip";
export type Moderation = "none" | "moderate" | "strict";
export type HostAction = "start" | "pause" | "resume" | "skip" | "extend" | "hide" | "approve" | "kick" | "end";
export type Code =
  | "unknown_battle"
  | "not_host"
  | "unknown_seat"
  | "full"
  | "not_now"
  | "refused_words"
  | "invalid"
  | "taken"
  | "too_fast"
  | "unavailable";

export interface Options {
  rounds: number;
  prompt_seconds: number;
  paint_seconds: number;
  vote_seconds: number;
  reveal_seconds: number;
  duel_seconds: number;
  votes_per_round: number;
  pace: number;
  final: boolean;
  moderation: Moderation;
  approve: boolean;
  max_players: number;
  themes: string[];
}

export interface PlayerView {
  seat: string;
  name: string;
  avatar: number;
  points: number;
  rank: number;
  has_entered: boolean;
  is_out: boolean;
}

export interface EntryView {
  id: string;
  image_url?: string | null;
  prompt?: string | null;
  seat?: string | null;
  is_waiting: boolean;
  error?: string | null;
}

export interface StandingView {
  entry: string;
  rank: number;
  points: number;
  wins: number;
  games: number;
  is_tied: boolean;
  is_close: boolean;
}

export interface DuelView {
  number: number;
  left: string;
  right: string;
  winner?: string | null;
  is_tie: boolean;
  votes_left?: number | null;
  votes_right?: number | null;
}

/** The battle as everybody may see it. A smaller `sequence` is older. */
export interface BattleView {
  battle_id: string;
  sequence: number;
  phase: Phase;
  round: number;
  rounds: number;
  theme: string;
  deadline?: number | null;
  remaining?: number | null;
  now: number;
  options: Options;
  players: PlayerView[];
  entries: EntryView[];
  board: StandingView[];
  duels: DuelView[];
  /** The meme of the battle, at the end. */
  champion?: string | null;
  seats: number;
  entered: number;
  painted: number;
  votes: number;
  voters_done: number;
}

/** What only one seat may know. */
export interface SeatView {
  seat: string;
  name: string;
  is_host: boolean;
  is_player: boolean;
  entry?: string | null;
  request_id?: string | null;
  prompt?: string | null;
  votes_cast: number;
  has_chosen: boolean;
  /** My line in this round's result, from the reveal on. */
  standing?: StandingView | null;
  points: number;
  /** My place over all rounds; 1 is best. */
  rank: number;
  /** One of the two memes of the duel that is on is mine. Absent until the server has said so of this duel. */
  is_on_stage?: boolean;
}

export interface QuestionView {
  match: string;
  left: EntryView;
  right: EntryView;
  ticket: string;
  number: number;
  of: number;
}

export interface BattleReply {
  ok: boolean;
  code?: Code | null;
  error?: string | null;
  battle_id?: string | null;
  view?: BattleView | null;
  me?: SeatView | null;
  question?: QuestionView | null;
}

export type Verb = "join" | "enter" | "next" | "vote" | "host";

export const MAX_NAME = 24;
export const MAX_PROMPT = 200;
export const MAX_THEME = 80;
export const MAX_THEMES = 20;
