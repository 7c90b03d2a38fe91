/** One conversation: what the page shows of it, and what follows when a person or the stream says something. */
import type { ResponseChunk } from "../../../asyncapi/types";
import { announce } from "../ui/announcer";
import { inWords, Problem } from "../ui/problem";
import { newId } from "../ui/unique";
import * as http from "./http";
import { keepTurns, keptTurns } from "./session";
import { Stream, type Hearing } from "./stream";
import { after, answerOf, hasHole, isPending, phaseOf, type Happening, type MessageComplete, type Turn } from "./transcript";

export interface View {
  readonly turns: readonly Turn[];
  readonly line: "connecting" | "open" | "lost";
}

/** Chunks may come by the hundred; the page is drawn no more often than this. */
const DRAW_MS = 40;
/** Until a message is sent again that nobody answered. */
const AGAIN_MS = 2000;

export class Coach implements Hearing {
  private view: View;
  private drawn: View;
  private drawing: ReturnType<typeof setTimeout> | undefined;
  private isOpen = false;
  private readonly watchers = new Set<() => void>();
  private readonly stream: Stream;
  /** Answers that somebody on this page waits for: they are said aloud when they are whole. */
  private readonly awaited: Set<string>;
  /** Answers whose hole made this hear everything once more; once is enough. */
  private readonly repaired = new Set<string>();

  constructor(readonly session: string) {
    this.view = this.drawn = { turns: keptTurns(session), line: "connecting" };
    this.awaited = new Set(this.view.turns.filter(isPending).map((turn) => turn.id));
    this.stream = new Stream(session, this);
  }

  open(): void {
    this.isOpen = true;
    this.stream.open();
  }

  close(): void {
    this.isOpen = false;
    this.stream.close();
    this.draw();
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly read = (): View => this.drawn;

  /** Ask something; what does not get through now goes out when the gateway is back. */
  say(question: string): void {
    this.ask(`msg_${newId()}`, question);
    this.draw();
  }

  retry({ id, question }: Turn): void {
    if (question !== undefined) this.ask(id, question);
  }

  /** Stop an answer; what was said stays. */
  async stop(id: string): Promise<void> {
    this.happened({ kind: "stopping", id, isStopping: true });
    try {
      await http.stop(this.session, id);
    } catch (error) {
      this.happened({ kind: "stopping", id, isStopping: false });
      announce(inWords(error));
    }
  }

  onOpen(begun: boolean): void {
    this.change({ line: "open" });
    for (const { id, question, sent } of this.view.turns) {
      if (sent === "sending" && question !== undefined) void this.send(id, question);
    }
    if (begun) void this.lookBack();
  }

  onLost(): void {
    this.change({ line: "lost" });
  }

  onChunk(chunk: ResponseChunk): void {
    this.happened({ kind: "chunk", chunk });
  }

  onComplete(end: MessageComplete): void {
    this.happened({ kind: "complete", end });
    const turn = this.view.turns.find((each) => each.id === end.message_id);
    if (!turn) return;
    if (hasHole(turn)) this.repair(turn.id);
    if (this.awaited.delete(turn.id)) announce(aloud(turn));
    if (turn.question === undefined) void this.lookBack();
  }

  private ask(id: string, question: string): void {
    this.awaited.add(id);
    this.happened({ kind: "asked", id, question });
    void this.send(id, question);
  }

  private async send(id: string, question: string): Promise<void> {
    try {
      await http.say(this.session, id, question);
      this.happened({ kind: "taken", id });
    } catch (error) {
      if (error instanceof Problem && error.status === 0) return this.sendLater(id, question);
      this.awaited.delete(id);
      const why = inWords(error);
      this.happened({ kind: "refused", id, why });
      announce(why);
    }
  }

  /** Nobody answered: it goes out again with the next connection, or soon when this one seems to hold. */
  private sendLater(id: string, question: string): void {
    if (this.view.line === "open") setTimeout(() => this.isOpen && void this.send(id, question), AGAIN_MS);
  }

  private async lookBack(): Promise<void> {
    const exchanges = await http.history(this.session).catch(() => undefined);
    if (exchanges) this.happened({ kind: "remembered", exchanges });
  }

  private repair(id: string): void {
    if (this.repaired.has(id)) return;
    this.repaired.add(id);
    this.stream.begin();
  }

  private happened(happening: Happening): void {
    this.change({ turns: after(this.view.turns, happening) });
    // chunks are told once more after a reload
    if (happening.kind !== "chunk") keepTurns(this.session, this.view.turns);
  }

  private change(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    this.drawing ??= setTimeout(() => this.draw(), DRAW_MS);
  }

  private draw(): void {
    clearTimeout(this.drawing);
    this.drawing = undefined;
    this.drawn = this.view;
    for (const watcher of this.watchers) watcher();
  }
}

function aloud(turn: Turn): string {
  const phase = phaseOf(turn);
  if (phase === "done") return `The coach says: ${answerOf(turn)}`;
  return phase === "stopped" ? "The coach has stopped." : "The answer broke off.";
}
