/**
 * Every request of this page, from the keyboard to the picture.
 *
 * A ticket is in the outbox until a stream or the gateway has confirmed that it is stored, and pending until
 * its answer is here. Everything may be repeated: the id makes asking twice the same as asking once, and the
 * first answer is the only one. So each disturbance has the same cure: look for the answer, else ask again.
 */
import { Link } from "../nats/link";
import * as http from "./http";
import * as shelf from "./shelf";
import {
  isError,
  type Answer,
  type MemeCreated,
  type MemeError,
  type MemeStatus,
  type NamedRequest,
  type PageConfig,
  type Wish,
} from "./types";

export type Phase = "sending" | "queued" | "running" | "done" | "failed";

export interface Ticket {
  request: NamedRequest;
  madeAt: number;
  phase: Phase;
  position?: number;
  worker?: string;
  isCancelled?: boolean;
  meme?: MemeCreated;
  picture?: string;
  error?: Pick<MemeError, "error" | "code" | "retryable">;
}

export interface View {
  tickets: readonly Ticket[];
  wall: readonly MemeCreated[];
  link: Link["state"];
  /** For those who hear the page. */
  announcement: string;
}

const WALL_SIZE = 24;
const LOOK_AFTER_MS = 6000;
const WATCH_MS = 2000;
const LONGEST_PAUSE_MS = 8000;

export class Studio {
  private view: View = { tickets: [], wall: [], link: "connecting", announcement: "" };
  private readers = new Set<() => void>();
  private stored = new Set<string>();
  private delivering = new Set<string>();
  private lastNews = new Map<string, number>();

  constructor(
    private readonly config: PageConfig,
    private readonly link: Link,
  ) {
    link.onChange = () => this.show({ link: link.state });
    link.onLive = () => this.pending().forEach((ticket) => void this.recover(ticket.request.id));
    link.listen("meme.created", (body) => this.hang(body as MemeCreated));
  }

  read = (): View => this.view;

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  /** Connect, and take up what a reload interrupted. */
  open(): void {
    this.show({ tickets: shelf.kept().map(restored) });
    this.pending().forEach(({ request }) => this.take(request.id));
    window.setInterval(() => this.watch(), WATCH_MS);
    void this.link.open();
  }

  /** Ask for a meme; returns at once. */
  submit(wish: Wish): void {
    const request = { id: newId(), ...wish };
    const ticket: Ticket = { request, madeAt: Date.now(), phase: "sending" };
    shelf.keep({ request, madeAt: ticket.madeAt });
    this.show({ tickets: [ticket, ...this.view.tickets], announcement: "Request sent" });
    this.take(request.id);
  }

  /** The same wish under a new id: the old one has had its answer. */
  retry(id: string): void {
    const old = this.ticket(id);
    if (!old) return;
    const { id: _, ...wish } = old.request;
    this.dismiss(id);
    this.submit(wish);
  }

  cancel(id: string): void {
    if (this.link.isLive) this.link.tell(`meme.cancel.${id}`);
    else void http.cancel(id).catch(() => {});
    // what never left this page needs nobody's confirmation
    if (this.stored.has(id)) this.change(id, { isCancelled: true });
    else this.dismiss(id);
  }

  dismiss(id: string): void {
    const gone = this.ticket(id);
    if (gone?.picture?.startsWith("blob:")) URL.revokeObjectURL(gone.picture);
    this.leave(id);
    shelf.forget(id);
    this.show({ tickets: this.view.tickets.filter((ticket) => ticket.request.id !== id) });
  }

  /** A picture that cannot be loaded any more leaves the wall. */
  unhang(sha256: string): void {
    this.show({ wall: this.view.wall.filter((meme) => meme.sha256 !== sha256) });
  }

  private take(id: string): void {
    this.lastNews.set(id, Date.now());
    this.link.listen(`answers.meme.${id}.>`, (body) => this.finish(id, body as Answer));
    this.link.listen(`meme.status.${id}`, (body) => this.note(id, body as MemeStatus));
    void this.deliver(id);
  }

  private leave(id: string): void {
    this.link.unlisten(`answers.meme.${id}.>`);
    this.link.unlisten(`meme.status.${id}`);
    this.stored.delete(id);
    this.lastNews.delete(id);
  }

  /** Try until it is stored, one way or the other. */
  private async deliver(id: string): Promise<void> {
    if (this.delivering.has(id)) return;
    this.delivering.add(id);
    for (let pause = 250; this.isPending(id) && !(await this.send(id)); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.delivering.delete(id);
  }

  private async send(id: string): Promise<boolean> {
    const request = this.ticket(id)?.request;
    if (!request) return true;
    try {
      if (this.link.isLive) return await this.sendOverNats(request);
      if (this.link.isHopeless) return await this.sendOverHttp(request);
    } catch (error) {
      if (error instanceof http.Refused) this.fail(id, error.message);
    }
    return false;
  }

  private async sendOverNats(request: NamedRequest): Promise<boolean> {
    const ack = (await this.link.store(this.config.request_subject, request, request.id)) as { stream?: string };
    return ack.stream !== undefined && this.isStored(request.id);
  }

  private async sendOverHttp(request: NamedRequest): Promise<boolean> {
    const posted = await http.post(request);
    if (posted.kind === "answered") this.finish(request.id, posted.answer);
    return posted.kind !== "later" && this.isStored(request.id);
  }

  private isStored(id: string): true {
    this.stored.add(id);
    if (this.ticket(id)?.phase === "sending") this.change(id, { phase: "queued" });
    return true;
  }

  /** After a silence: the answer may have been missed, or the request lost. */
  private async recover(id: string): Promise<void> {
    this.lastNews.set(id, Date.now());
    const answer = await http.look(id).catch(() => undefined);
    if (answer) this.finish(id, answer);
    else if (this.isPending(id)) await this.deliver(id);
  }

  private watch(): void {
    for (const { request } of this.pending()) {
      const patience = this.link.isLive ? LOOK_AFTER_MS : WATCH_MS;
      const silent = Date.now() - (this.lastNews.get(request.id) ?? 0) > patience;
      if (silent && this.stored.has(request.id)) void this.recover(request.id);
    }
  }

  private note(id: string, status: MemeStatus): void {
    if (!this.isPending(id) || (status.state !== "queued" && status.state !== "running")) return;
    this.lastNews.set(id, Date.now());
    const position = status.position === undefined ? {} : { position: status.position };
    this.change(id, { phase: status.state, worker: status.worker, ...position });
  }

  private finish(id: string, answer: Answer): void {
    const ticket = this.ticket(id);
    if (!ticket || !this.isPending(id)) return;
    if (isError(answer)) return this.fail(id, answer.error, answer);
    const { image_data, ...meme } = answer;
    this.leave(id);
    shelf.keep({ request: ticket.request, madeAt: ticket.madeAt, meme });
    this.change(id, { phase: "done", meme, picture: blobUrl(image_data, meme.content_type) });
    this.show({ announcement: `Your meme is ready: ${meme.prompt}` });
  }

  private fail(id: string, error: string, answer?: MemeError): void {
    this.leave(id);
    shelf.forget(id);
    this.change(id, { phase: "failed", error: answer ?? { error, code: "invalid_request", retryable: false } });
    this.show({ announcement: `That did not work: ${error}` });
  }

  private hang(meme: MemeCreated): void {
    if (!/^\/images\/[0-9a-f]{64}\.webp$/.test(meme.image_url)) return;
    const others = this.view.wall.filter((each) => each.sha256 !== meme.sha256);
    this.show({ wall: [meme, ...others].slice(0, WALL_SIZE) });
  }

  private pending(): Ticket[] {
    return this.view.tickets.filter(isPending);
  }

  private isPending(id: string): boolean {
    const ticket = this.ticket(id);
    return ticket !== undefined && isPending(ticket);
  }

  private ticket(id: string): Ticket | undefined {
    return this.view.tickets.find((ticket) => ticket.request.id === id);
  }

  private change(id: string, change: Partial<Ticket>): void {
    this.show({
      tickets: this.view.tickets.map((ticket) => (ticket.request.id === id ? { ...ticket, ...change } : ticket)),
    });
  }

  private show(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    this.readers.forEach((reader) => reader());
  }
}

export const isPending = (ticket: Ticket): boolean => ticket.phase !== "done" && ticket.phase !== "failed";

function restored({ request, madeAt, meme }: shelf.Kept): Ticket {
  return meme
    ? { request, madeAt, phase: "done", meme, picture: meme.image_url }
    : { request, madeAt, phase: "sending" };
}

/** 128 random bits as a subject token; `crypto.randomUUID` is missing on plain http. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function blobUrl(base64: string, type: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type }));
}
