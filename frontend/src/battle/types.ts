/** The wire language of battles, generated from the models that the workers parse with, and its bounds. */
export type {
  BattleView,
  Choice,
  Code,
  DuelView,
  EntryView,
  HostAction,
  Moderation,
  Options,
  Phase,
  PlayerView,
  QuestionView,
  StandingView,
} from "../../../asyncapi/types";
import type { BattleReply as ToldReply, SeatView as ToldSeat } from "../../../asyncapi/types";

/** What only one seat may know. `is_on_stage` is absent until the server has said so of the duel that is on. */
export type SeatView = Omit<ToldSeat, "is_on_stage"> & { is_on_stage?: boolean };
export type BattleReply = Omit<ToldReply, "me"> & { me?: SeatView };

export type Verb = "join" | "enter" | "next" | "vote" | "host";

export const MAX_NAME = 24;
export const MAX_PROMPT = 200;
export const MAX_THEME = 80;
export const MAX_THEMES = 20;
