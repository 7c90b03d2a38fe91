/**
 * One session's events, for as long as the page wants them.
 *
 * An EventSource comes back by itself, with the id of the last event it heard. It gives up when it is refused
 * (a gateway that is full, or 410 because what it missed is not kept any more), and it never notices a gateway
 * that vanished without a word. Then this opens another one, which begins anew: the server tells the last ten
 * minutes once more, and whoever hears them knows each chunk by its number.
 */
import type { ResponseChunk } from "../../../asyncapi/types";
import type { MessageComplete } from "./transcript";

/** After this long without an event, pings included, nobody is there any more. */
export const SILENCE_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export interface Hearing {
  /** The stream is open; `begun` when it told everything from its beginning. */
  onOpen(begun: boolean): void;
  onLost(): void;
  onChunk(chunk: ResponseChunk): void;
  onComplete(end: MessageComplete): void;
}

type Open = (url: string) => EventSource;

export class Stream {
  private source: EventSource | undefined;
  private heardAt = Date.now();
  private pause = FIRST_PAUSE_MS;
  private again: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly session: string,
    private readonly hearing: Hearing,
    private readonly connect: Open = (url) => new EventSource(url),
  ) {}

  open(): void {
    this.watch = setInterval(() => this.judge(), 1000);
    this.begin();
  }

  close(): void {
    clearInterval(this.watch);
    this.leave();
  }

  /** Hear everything that is kept once more. */
  begin(): void {
    this.leave();
    this.heardAt = Date.now();
    const source = this.connect(`/api/sse?session_id=${this.session}`);
    this.source = source;
    source.onerror = () => this.lost(source);
    this.on<{ resumed: boolean }>("connected", ({ resumed }) => {
      this.pause = FIRST_PAUSE_MS;
      this.hearing.onOpen(!resumed);
    });
    this.on<ResponseChunk>("chunk", (chunk) => this.hearing.onChunk(chunk));
    this.on<MessageComplete>("message_complete", (end) => this.hearing.onComplete(end));
    // the server ends the stream after this one, and its empty id makes the EventSource begin anew
    this.on("not_resumable", () => {});
    this.on("ping", () => {});
  }

  private on<T>(name: string, hear: (data: T) => void): void {
    this.source?.addEventListener(name, (event: MessageEvent<string>) => {
      this.heardAt = Date.now();
      hear(JSON.parse(event.data));
    });
  }

  private lost(source: EventSource): void {
    this.hearing.onLost();
    if (source.readyState !== 2) return; // it comes back by itself
    clearTimeout(this.again);
    this.again = setTimeout(() => this.begin(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
  }

  private judge(): void {
    if (Date.now() - this.heardAt < SILENCE_MS) return;
    this.hearing.onLost();
    this.begin();
  }

  private leave(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = undefined;
  }
}
