/**
 * A conversation as the page knows it: what was asked, and the answers as their chunks come in.
 *
 * Pure: `after(turns, happening)` gives the next turns. A stream that begins anew tells the last ten minutes
 * once more, so a chunk may come twice, and what was lost may come late: each counts once and stands in its
 * own place, and text is shown as far as nothing is missing.
 */
import type { ChunkError, ChunkMetadata, ResponseChunk } from "../../../asyncapi/types";

export type Phase = "sending" | "refused" | "waiting" | "answering" | "done" | "stopped" | "failed";

/** A message and its answer. */
export interface Turn {
  readonly id: string;
  /** Unknown when it was asked on another screen, until the server's memory says. */
  readonly question?: string;
  readonly sent: "sending" | "taken" | "refused";
  /** Why it was refused, for people. */
  readonly refusal?: string;
  /** Text by `chunk_id`; null where one is missing. */
  readonly pieces: readonly (string | null)[];
  /** How many chunks the answer has, once that is known. */
  readonly length?: number;
  readonly metadata?: ChunkMetadata;
  readonly error?: ChunkError;
  /** The answer as the server's memory has it. */
  readonly remembered?: string;
  readonly isStopping?: boolean;
}

/** After the last chunk of an answer. */
export interface MessageComplete {
  message_id: string;
  chunks: number;
  metadata?: ChunkMetadata;
  error?: ChunkError;
}

export interface Exchange {
  question: string;
  answer: string;
}

export type Happening =
  | { kind: "asked"; id: string; question: string }
  | { kind: "taken"; id: string }
  | { kind: "refused"; id: string; why: string }
  | { kind: "stopping"; id: string; isStopping: boolean }
  | { kind: "chunk"; chunk: ResponseChunk }
  | { kind: "complete"; end: MessageComplete }
  | { kind: "remembered"; exchanges: readonly Exchange[] };

const REMEMBERED = "remembered-";

export function after(turns: readonly Turn[], happening: Happening): readonly Turn[] {
  switch (happening.kind) {
    case "asked":
      return changed(turns, happening.id, (turn) => ({ ...turn, question: happening.question, sent: "sending" }));
    case "taken":
      return changed(turns, happening.id, (turn) => ({ ...turn, sent: "taken" }));
    case "refused":
      return changed(turns, happening.id, (turn) =>
        turn.pieces.length > 0 ? turn : { ...turn, sent: "refused", refusal: happening.why },
      );
    case "stopping":
      return changed(turns, happening.id, (turn) => ({ ...turn, isStopping: happening.isStopping }));
    case "chunk":
      return changed(turns, happening.chunk.message_id, (turn) => withChunk(turn, happening.chunk));
    case "complete":
      return changed(turns, happening.end.message_id, (turn) => withEnd(turn, happening.end));
    case "remembered":
      return withMemory(turns, happening.exchanges);
  }
}

/** Where a turn stands. */
export function phaseOf(turn: Turn): Phase {
  if (hasEnded(turn)) {
    if (turn.error) return "failed";
    return turn.metadata?.finish_reason === "cancelled" ? "stopped" : "done";
  }
  if (turn.pieces.some(Boolean)) return "answering";
  return turn.sent === "taken" ? "waiting" : turn.sent;
}

export const isPending = (turn: Turn): boolean => ["sending", "waiting", "answering"].includes(phaseOf(turn));

/** Whether the whole answer was told, or is remembered. */
const hasEnded = ({ length, remembered }: Turn): boolean => length !== undefined || remembered !== undefined;

/** Whether chunks are missing between others, so that they have to be asked for. */
export function hasHole({ pieces, length }: Turn): boolean {
  const known = pieces.filter((piece) => piece !== null).length;
  return known < Math.max(pieces.length, length ?? 0);
}

/** The answer as far as it can be read; what is missing of one that has ended is shown as such. */
export function answerOf(turn: Turn): string {
  if (turn.remembered !== undefined && (turn.length === undefined || hasHole(turn))) return turn.remembered;
  if (turn.length === undefined) return untilHole(turn.pieces).join("");
  const whole = Array.from({ length: turn.length }, (_, place) => turn.pieces[place] ?? null);
  return whole.map((piece, place) => piece ?? (whole[place - 1] === null ? "" : " […] ")).join("");
}

function untilHole(pieces: readonly (string | null)[]): readonly (string | null)[] {
  const hole = pieces.indexOf(null);
  return hole < 0 ? pieces : pieces.slice(0, hole);
}

/** Change one turn; one that nobody here asked for is new, and the last. */
function changed(turns: readonly Turn[], id: string, change: (turn: Turn) => Turn): readonly Turn[] {
  if (!turns.some((turn) => turn.id === id)) return [...turns, change({ id, sent: "taken", pieces: [] })];
  return turns.map((turn) => (turn.id === id ? change(turn) : turn));
}

function withChunk(turn: Turn, chunk: ResponseChunk): Turn {
  const { chunk_id: place } = chunk;
  const pieces = Array.from({ length: Math.max(turn.pieces.length, place + 1) }, (_, at) => turn.pieces[at] ?? null);
  pieces[place] = chunk.chunk;
  const told: Turn = { ...turn, sent: "taken", pieces };
  return chunk.is_final ? withEnd(told, { ...chunk, chunks: place + 1 }) : told;
}

function withEnd(turn: Turn, { chunks, metadata, error }: MessageComplete): Turn {
  return {
    ...turn,
    sent: "taken",
    isStopping: false,
    length: chunks,
    ...(metadata && { metadata }),
    ...(error && { error }),
  };
}

/**
 * Put the server's memory and what this page saw beside each other, in order: what both know is one turn,
 * a question that was asked elsewhere is filled in, an end that was missed is caught up with, and what only
 * the server knows is a turn too.
 */
function withMemory(turns: readonly Turn[], exchanges: readonly Exchange[]): readonly Turn[] {
  const own = turns.filter((turn) => !turn.id.startsWith(REMEMBERED));
  const merged: Turn[] = [];
  let place = 0;
  exchanges.forEach((exchange, number) => {
    const found = own.findIndex((turn, at) => at >= place && isSame(turn, exchange));
    if (found < 0) {
      merged.push(recalled(`${REMEMBERED}${number}`, exchange));
      return;
    }
    merged.push(...own.slice(place, found), { ...own[found]!, ...knownOf(exchange) });
    place = found + 1;
  });
  return [...merged, ...own.slice(place)];
}

const knownOf = ({ question, answer }: Exchange) => ({ question, remembered: answer, sent: "taken" as const });

const recalled = (id: string, exchange: Exchange): Turn => ({ id, pieces: [], ...knownOf(exchange) });

function isSame(turn: Turn, { question, answer }: Exchange): boolean {
  const told = answerOf(turn);
  if (turn.question !== undefined && turn.question !== question) return false;
  if (turn.length !== undefined && !hasHole(turn)) return told === answer;
  return turn.question !== undefined || (told !== "" && answer.startsWith(told));
}
