/** Views and replies for tests. */
import type {
  BattleReply,
  BattleView,
  DuelView,
  EntryView,
  PlayerView,
  QuestionView,
  SeatView,
  StandingView,
} from "./types";

export const aView = (change: Partial<BattleView> = {}): BattleView => ({
  battle_id: "KBDF",
  sequence: 10,
  phase: "vote",
  round: 1,
  rounds: 2,
  theme: "Low battery",
  deadline: 100_000,
  now: 50_000,
  options: {
    rounds: 2,
    prompt_seconds: 60,
    paint_seconds: 45,
    vote_seconds: 45,
    reveal_seconds: 12,
    duel_seconds: 20,
    votes_per_round: 6,
    pace: 1,
    final: true,
    moderation: "moderate",
    approve: false,
    max_players: 300,
    themes: [],
  },
  players: [],
  entries: [],
  board: [],
  duels: [],
  matches: 0,
  seats: 4,
  entered: 4,
  painted: 4,
  votes: 0,
  voters_done: 0,
  ...change,
});

export const aMe = (change: Partial<SeatView> = {}): SeatView => ({
  seat: "ada",
  name: "Ada",
  avatar: 7,
  is_host: false,
  is_player: true,
  entry: "mine",
  request_id: "KBDF-1",
  prompt: "a cat",
  votes_cast: 2,
  has_chosen: false,
  is_on_stage: false,
  points: 0,
  rank: 1,
  ...change,
});

export const aQuestion = (match: string): QuestionView => ({
  match,
  left: { id: `${match}-left`, is_waiting: false },
  right: { id: `${match}-right`, is_waiting: false },
  ticket: "t",
  number: 3,
  of: 6,
});

export const aReply = (change: Partial<BattleReply> = {}): BattleReply => ({
  ok: true,
  battle_id: "KBDF",
  view: aView(),
  me: aMe(),
  ...change,
});

export const aPlayer = (seat: string, change: Partial<PlayerView> = {}): PlayerView => ({
  seat,
  name: seat,
  avatar: 0,
  points: 0,
  rank: 1,
  has_entered: true,
  is_out: false,
  ...change,
});

export const anEntry = (id: string, change: Partial<EntryView> = {}): EntryView => ({
  id,
  is_waiting: false,
  ...change,
});

export const aDuel = (change: Partial<DuelView> = {}): DuelView => ({
  number: 1,
  left: "a",
  right: "b",
  is_tie: false,
  ...change,
});

export const aLine = (entry: string, change: Partial<StandingView> = {}): StandingView => ({
  entry,
  rank: 1,
  points: 500,
  wins: 1,
  games: 2,
  is_tied: false,
  is_close: false,
  ...change,
});
