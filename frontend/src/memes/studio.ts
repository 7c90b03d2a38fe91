/**
 * Every request of this page, from the keyboard to the picture.
 *
 * A request is in the outbox until a stream or the gateway has confirmed that it is stored, and pending until
 * its answer is here. Everything may be repeated: the id makes asking twice the same as asking once, and the
 * first answer is the only one. So each disturbance has the same cure: look for the answer, else ask again.
 */
import type { Link, Undo } from "../nats/link";
import { Outbox } from "../nats/outbox";
import { announce } from "../ui/announcer";
import { newId } from "../ui/unique";
import * as album from "./album";
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
}

const WALL_SIZE = 24;
const LOOK_AFTER_MS = 6000;
const WATCH_MS = 2000;

export class Studio {
  private view: View = { tickets: [], wall: [] };
  private readers = new Set<() => void>();
  private outbox = new Outbox<NamedRequest>((request) => this.send(request));
  private undos = new Map<string, Undo[]>();
  private lastNews = new Map<string, number>();

  constructor(
    private readonly config: PageConfig,
    private readonly link: Link,
  ) {
    link.onLive(() => {
      this.outbox.flush();
      this.pending().forEach((ticket) => void this.recover(ticket.request.id));
    });
    link.listen("meme.created", (body) => this.hang(body as MemeCreated));
  }

  read = (): View => this.view;

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  /** Take up what a reload interrupted. */
  open(): void {
    this.show({ tickets: shelf.kept().map(restored) });
    this.view.tickets.forEach(({ request, meme }) => meme && void this.unpack(request.id, meme));
    this.pending().forEach(({ request }) => this.take(request));
    window.setInterval(() => this.watch(), WATCH_MS);
  }

  /** Ask for a meme; returns at once. */
  submit(wish: Wish): void {
    const request = { id: newId(), ...wish };
    const ticket: Ticket = { request, madeAt: Date.now(), phase: "sending" };
    shelf.keep({ request, madeAt: ticket.madeAt });
    this.show({ tickets: [ticket, ...this.view.tickets] });
    announce("Request sent");
    this.take(request);
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
    if (this.isStored(id)) this.change(id, { isCancelled: true });
    else this.dismiss(id);
  }

  dismiss(id: string): void {
    const gone = this.ticket(id);
    if (gone?.picture?.startsWith("blob:")) URL.revokeObjectURL(gone.picture);
    this.leave(id);
    shelf.forget(id);
    this.show({ tickets: this.view.tickets.filter((ticket) => ticket.request.id !== id) });
  }

  /** Put everything away that has had its answer. */
  clear(): void {
    this.view.tickets.filter((ticket) => !isPending(ticket)).forEach(({ request }) => this.dismiss(request.id));
  }

  /** A picture that cannot be loaded any more leaves the wall. */
  unhang(sha256: string): void {
    this.show({ wall: this.view.wall.filter((meme) => meme.sha256 !== sha256) });
  }

  private take(request: NamedRequest): void {
    const { id } = request;
    this.lastNews.set(id, Date.now());
    this.undos.set(id, [
      this.link.listen(`answers.meme.${id}.>`, (body) => this.finish(id, body as Answer)),
      this.link.listen(`meme.status.${id}`, (body) => this.note(id, body as MemeStatus)),
    ]);
    this.outbox.put(request);
  }

  private leave(id: string): void {
    this.undos.get(id)?.forEach((undo) => undo());
    this.undos.delete(id);
    this.outbox.drop(id);
    this.lastNews.delete(id);
  }

  /** Try to have it stored, one way or the other. */
  private async send(request: NamedRequest): Promise<boolean> {
    try {
      if (this.link.isLive) return await this.sendOverNats(request);
      if (this.link.isHopeless) return await this.sendOverHttp(request);
    } catch (error) {
      if (error instanceof http.Refused) this.fail(request.id, error.message);
    }
    return false;
  }

  private async sendOverNats(request: NamedRequest): Promise<boolean> {
    const ack = (await this.link.store(this.config.request_subject, request, request.id)) as { stream?: string };
    return ack.stream !== undefined && this.wasStored(request.id);
  }

  private async sendOverHttp(request: NamedRequest): Promise<boolean> {
    const posted = await http.post(request);
    if (posted.kind === "answered") this.finish(request.id, posted.answer);
    return posted.kind !== "later" && this.wasStored(request.id);
  }

  private wasStored(id: string): true {
    if (this.ticket(id)?.phase === "sending") this.change(id, { phase: "queued" });
    return true;
  }

  /** After a silence: the answer may have been missed, or the request lost. */
  private async recover(id: string): Promise<void> {
    this.lastNews.set(id, Date.now());
    const answer = await http.look(id).catch(() => undefined);
    if (answer) this.finish(id, answer);
    else if (this.isPending(id)) this.outbox.put(this.ticket(id)!.request);
  }

  private watch(): void {
    for (const { request } of this.pending()) {
      const patience = this.link.isLive ? LOOK_AFTER_MS : WATCH_MS;
      const silent = Date.now() - (this.lastNews.get(request.id) ?? 0) > patience;
      if (silent && this.isStored(request.id)) void this.recover(request.id);
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
    const picture = blobOf(image_data, meme.content_type);
    void album.keep(id, picture);
    this.change(id, { phase: "done", meme, picture: URL.createObjectURL(picture) });
    announce(`Your meme is ready: ${meme.prompt}`);
  }

  /** The picture of a meme that was finished before: from the album, else from the server. */
  private async unpack(id: string, meme: MemeCreated): Promise<void> {
    const picture = await album.find(id);
    this.change(id, { picture: picture ? URL.createObjectURL(picture) : meme.image_url });
  }

  private fail(id: string, error: string, answer?: MemeError): void {
    this.leave(id);
    shelf.forget(id);
    this.change(id, { phase: "failed", error: answer ?? { error, code: "invalid_request", retryable: false } });
    announce(`That did not work: ${error}`);
  }

  private hang(meme: MemeCreated): void {
    if (!/^\/images\/[0-9a-f]{64}\.webp$/.test(meme.image_url)) return;
    const others = this.view.wall.filter((each) => each.sha256 !== meme.sha256);
    this.show({ wall: [meme, ...others].slice(0, WALL_SIZE) });
  }

  /** It had left this page when it was last heard of. */
  private isStored(id: string): boolean {
    const phase = this.ticket(id)?.phase;
    return phase === "queued" || phase === "running";
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
  return meme ? { request, madeAt, phase: "done", meme } : { request, madeAt, phase: "sending" };
}

function blobOf(base64: string, type: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], { type });
}
