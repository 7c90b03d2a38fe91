/** How a battle stands for this device: the fold of the views that everybody hears and the replies to us alone. */
import type { BattleReply, BattleView, Code, QuestionView, SeatView } from "./types";

export interface Problem {
  code: Code;
  error: string;
}

export interface Standing {
  view?: BattleView;
  me?: SeatView;
  /** The place in the stream that `me` is of. */
  meAt: number;
  question?: QuestionView;
  /** There is nothing left to judge in this round. */
  hasNoMore: boolean;
  /** Why we cannot be here at all: no such battle, or nobody who serves it. */
  problem?: Problem;
  /** What of ours is on its way, by slot: `entry`, `vote`. */
  sending: readonly string[];
  /** What the server would not take, and why. */
  refused?: Problem & { slot: string };
  /** Nothing was heard for a while: what is shown may be old. */
  isStale: boolean;
}

export const EMPTY: Standing = { meAt: 0, hasNoMore: false, sending: [], isStale: false };

/** What everybody was told. An older view than the one we have changes nothing. */
export function withView(standing: Standing, view: BattleView): Standing {
  const old = standing.view;
  if (old && view.sequence < old.sequence) return standing;
  const next: Standing = { ...standing, view };
  delete next.problem;
  const isAnotherRound = old !== undefined && old.round !== view.round;
  if (standing.me) next.me = inThisRound(standing.me, isAnotherRound, isAnotherDuel(old, view));
  if (view.phase !== "vote" || isAnotherRound) delete next.question;
  if (old && (old.phase !== view.phase || isAnotherRound)) {
    delete next.refused;
    next.hasNoMore = false;
  }
  return next;
}

/**
 * What we alone were told. A refusal leaves everything as it is, and so does what is older than what we know.
 *
 * A question stays until it is answered (`isAnswered`): the server may think of another one at each asking, and
 * nobody wants the pictures to change under the finger. Then the next one counts however old the reply is: what
 * has overtaken it was told before the answer, and still has the old question.
 */
export function withReply(standing: Standing, reply: BattleReply, isAnswered = false): Standing {
  if (!reply.ok || !reply.view) return standing;
  const next = { ...withView(standing, reply.view) };
  if (!isOfNow(next, reply.view)) return next;
  const isOlder = reply.view.sequence < standing.meAt;
  if (isOlder && !isAnswered) return next;
  if (!isOlder) next.meAt = reply.view.sequence;
  if (!isOlder && reply.me) next.me = reply.me;
  if (reply.view.phase !== "vote" || !reply.me?.is_player) return next;
  if (isAnswered) delete next.question;
  if (!next.question && reply.question) next.question = reply.question;
  next.hasNoMore = !next.question;
  return next;
}

/** Replies overtake views and are overtaken by them; what they say of us counts as long as the phase is the same. */
const isOfNow = ({ view }: Standing, told: BattleView): boolean =>
  view?.phase === told.phase && view.round === told.round && view.duels.length === told.duels.length;

/** What we knew of ourselves in the last round, or in the last duel, is over. */
function inThisRound(me: SeatView, isAnotherRound: boolean, isAnotherDuel: boolean): SeatView {
  const { standing: _, entry: _e, request_id: _r, prompt: _p, ...kept } = me;
  const fresh = isAnotherRound ? { ...kept, votes_cast: 0 } : me;
  return isAnotherDuel ? inThisDuel(fresh) : fresh;
}

/** Whose memes are on stage now is not known yet: nobody is to be asked about their own, not even for a moment. */
function inThisDuel({ is_on_stage: _, ...kept }: SeatView): SeatView {
  return { ...kept, has_chosen: false };
}

const isAnotherDuel = (old: BattleView | undefined, view: BattleView): boolean =>
  old !== undefined && old.duels.length !== view.duels.length;

/** Whether the server has to be asked how it stands. Times are in milliseconds; `lookedAt` is the last asking. */
export function isLookDue(
  state: { lookedAt: number; heardAt: number; deadlinePassedFor: number },
  now: number,
): boolean {
  if (now - state.lookedAt >= REGULARLY_MS) return true;
  const isOverdue = state.deadlinePassedFor >= OVERDUE_MS && now - state.heardAt >= OVERDUE_MS;
  return isOverdue && now - state.lookedAt >= OVERDUE_MS;
}

const REGULARLY_MS = 10_000;
const OVERDUE_MS = 1500;
