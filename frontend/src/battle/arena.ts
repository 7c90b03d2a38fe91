/**
 * One battle as this device knows it, and the way to act in it.
 *
 * Views are heard by everybody and may get lost; the truth can be asked for at any time. It is asked for when the
 * link comes up, when a phase begins, when a deadline has passed and nothing was heard, and every ten seconds.
 */
import type { Link, Undo } from "../nats/link";
import { Outbox, tabShelf } from "../nats/outbox";
import { newId } from "../ui/unique";
import { leftOf, ServerClock } from "./clock";
import { keepToken, newToken } from "./seat";
import { EMPTY, isLookDue, withReply, withView, type Standing } from "./standing";
import type { BattleReply, BattleView, Code, Options, Verb } from "./types";

export interface ArenaOptions {
  token?: string | undefined;
  /** A screen hears about all players and memes; a phone about what everybody looks at. */
  isScreen?: boolean;
}

interface Command {
  id: string;
  slot: string;
  verb: Verb;
  body: object;
}

const TICK_MS = 500;
const STALE_MS = 15_000;
/** Two hundred phones hear of a new phase at once; they do not have to ask at once. */
const SPREAD_MS = 400;
const TRY_AGAIN: readonly (Code | null | undefined)[] = ["unavailable", "too_fast"];

export class Arena {
  private standing: Standing = EMPTY;
  private readers = new Set<() => void>();
  private undos: Undo[] = [];
  private clock = new ServerClock();
  private outbox: Outbox<Command>;
  private lookedAt = 0;
  private heardAt = Date.now();

  constructor(
    private readonly link: Link,
    readonly code: string,
    private readonly options: ArenaOptions = {},
  ) {
    this.outbox = new Outbox((command) => this.deliver(command), tabShelf(`memebattle:outbox:${code}`));
    this.standing = { ...EMPTY, sending: this.outbox.slots() };
  }

  read = (): Standing => this.standing;

  subscribe = (reader: () => void): Undo => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  open(): void {
    this.outbox.open();
    this.show({ ...this.standing, sending: this.outbox.slots() });
    const subject = `battle.${this.options.isScreen ? "stage" : "view"}.${this.code}`;
    const timer = window.setInterval(() => this.watch(), TICK_MS);
    this.undos = [
      this.link.listen(subject, (body) => this.hear(body as BattleView)),
      this.link.onLive(() => this.arrive()),
      () => window.clearInterval(timer),
    ];
  }

  close(): void {
    this.undos.forEach((undo) => undo());
    this.undos = [];
    this.outbox.close();
  }

  /** Milliseconds since 1970 by the server's clock. */
  now = (): number => this.clock.now();

  /** Milliseconds until the deadline; null where no time runs. */
  left = (): number | null => leftOf(this.standing.view, this.now());

  /** Order something and wait for the reply. Never throws. */
  async send(verb: Verb, body: object = {}): Promise<BattleReply> {
    const reply = await this.request(`battle.command.${this.code}.${verb}`, body, "please try again");
    if (this.options.isScreen) this.takeMe(reply);
    else this.take(reply);
    return reply;
  }

  /** Order something that must arrive, instead of what was ordered for this slot; the reply shows in the standing. */
  post(slot: string, verb: Verb, body: object): void {
    this.outbox.put({ id: newId(), slot, verb, body });
    const { refused, ...rest } = this.standing;
    this.show({ ...rest, ...(refused && refused.slot !== slot && { refused }), sending: this.outbox.slots() });
  }

  /** Ask how it stands. */
  async look(): Promise<BattleReply> {
    this.lookedAt = Date.now();
    const whole = this.options.isScreen ? { whole: true } : {};
    const reply = await this.request("battle.state", { battle_id: this.code, ...whole });
    this.take(reply);
    if (!reply.ok) this.explain(reply);
    return reply;
  }

  /** `hope` is what happens next when nobody answers. */
  private async request(subject: string, body: object, hope = "we keep trying"): Promise<BattleReply> {
    try {
      return await this.link.ask<BattleReply>(subject, { ...body, ...this.proof() });
    } catch {
      return { ok: false, code: "unavailable", error: `nobody answered; ${hope}` };
    }
  }

  private proof(): { token?: string } {
    return this.options.token ? { token: this.options.token } : {};
  }

  private async deliver(command: Command): Promise<boolean> {
    if (!this.link.isLive) return false;
    const { id, slot, verb, body } = command;
    const reply = await this.request(`battle.command.${this.code}.${verb}`, body);
    if (!reply.ok && TRY_AGAIN.includes(reply.code)) return false;
    if (this.outbox.in(slot)?.id === id) this.settle(command, reply);
    return true;
  }

  private settle({ slot, verb }: Command, reply: BattleReply): void {
    this.outbox.drop(slot);
    if (reply.view) this.note(reply.view);
    const isVote = verb === "vote";
    const next = { ...withReply(this.standing, reply, isVote), sending: this.outbox.slots() };
    if (!isVote) next.hasNoMore &&= this.standing.hasNoMore; // a late word on a prompt says nothing about questions
    if (!reply.ok) next.refused = { slot, ...problemOf(reply) };
    if (!reply.ok && isVote) delete next.question; // it may have been about a meme that is gone
    if (!reply.ok || isAtALoss(next)) void this.look();
    this.show(next);
  }

  private arrive(): void {
    void this.look();
    this.outbox.flush();
  }

  private hear(view: BattleView): void {
    const before = this.standing.view;
    this.note(view);
    this.show(withView(this.standing, view));
    const isAnother = before && (before.phase !== view.phase || before.round !== view.round);
    const isNews = isAnother || (before && view.seats < before.seats); // somebody was sent out: was it me?
    if (isNews && this.options.token && !this.options.isScreen) this.lookSoon();
  }

  private take(reply: BattleReply): void {
    if (!reply.view) return;
    this.note(reply.view);
    this.show(withReply(this.standing, reply));
  }

  /** To a command comes the short view, which is not enough for a screen. */
  private takeMe({ view, me }: BattleReply): void {
    if (view) this.note(view);
    if (me) this.show({ ...this.standing, me });
  }

  /** The first look says why there is nothing to see; a later one that fails leaves what we know. */
  private explain(reply: BattleReply): void {
    if (!this.standing.view) this.show({ ...this.standing, problem: problemOf(reply) });
  }

  private note(view: BattleView): void {
    this.clock.note(view.now);
    this.heardAt = Date.now();
  }

  private lookSoon(): void {
    const timer = window.setTimeout(() => void this.look(), Math.random() * SPREAD_MS);
    this.undos.push(() => window.clearTimeout(timer));
  }

  private watch(): void {
    const now = Date.now();
    const isStale = !this.link.isLive || now - this.heardAt > STALE_MS;
    if (isStale !== this.standing.isStale) this.show({ ...this.standing, isStale });
    if (this.link.isLive && isLookDue({ ...this.times(), lookedAt: this.lookedAt }, now)) void this.look();
  }

  private times(): { heardAt: number; deadlinePassedFor: number } {
    const { deadline, remaining } = this.standing.view ?? {};
    const runs = deadline != null && remaining == null;
    return { heardAt: this.heardAt, deadlinePassedFor: runs ? this.now() - deadline : 0 };
  }

  private show(standing: Standing): void {
    if (standing === this.standing) return;
    this.standing = standing;
    this.readers.forEach((reader) => reader());
  }
}

/** One votes, and knows neither what to judge next nor that this was all. */
const isAtALoss = ({ view, question, hasNoMore }: Standing): boolean =>
  view?.phase === "vote" && !question && !hasNoMore;

function problemOf(reply: BattleReply): { code: Code; error: string } {
  return { code: reply.code ?? "unavailable", error: reply.error ?? "that did not work" };
}

/** Open a battle; this device is its host. */
export async function openBattle(link: Link, options: Partial<Options>): Promise<BattleReply> {
  const token = newToken();
  try {
    const reply = await link.ask<BattleReply>("battle.command.new.create", { token, options });
    if (reply.ok && reply.battle_id) keepToken(reply.battle_id, token);
    return reply;
  } catch {
    return { ok: false, code: "unavailable", error: "nobody answered; please try again in a moment" };
  }
}
