/**
 * One connection to NATS over WebSocket that heals by itself and says how it is.
 *
 * nats.js restores subscriptions after a reconnect, but throws away what was published meanwhile: who has
 * something to say asks `isLive` first, and says it again when `onLive` is called.
 */
import { headers, wsconnect, type ConnectionOptions, type NatsConnection } from "@nats-io/nats-core";

export type LinkState = "connecting" | "live" | "reconnecting" | "offline";

type Hear = (body: unknown) => void;

/** Takes back what was asked for: a subscription, or being told. */
export type Undo = () => void;

/** After this long without a link people are told, and requests go over HTTP. */
export const PATIENCE_MS = 3000;
const ANSWER_MS = 5000;

export class Link {
  state: LinkState = "connecting";

  private connection: NatsConnection | undefined;
  private downSince = Date.now();
  private wanted = new Map<string, Set<Hear>>();
  private cancels = new Map<string, Undo>();
  private watchers = new Set<() => void>();
  private greeters = new Set<() => void>();

  constructor(private readonly url: string) {
    window.addEventListener("offline", () => this.judge());
    window.addEventListener("online", () => this.judge());
    window.setInterval(() => this.judge(), 250);
  }

  get isLive(): boolean {
    return this.state === "live";
  }

  /** Whether it has been down for so long that another way should be taken. */
  get isHopeless(): boolean {
    return !this.isLive && Date.now() - this.downSince >= PATIENCE_MS;
  }

  /** Connect, and keep connected for as long as the page lives. */
  async open(): Promise<void> {
    for (;;) {
      try {
        const connection = await wsconnect(optionsFor(this.url));
        this.adopt(connection);
        await this.follow(connection);
      } catch {
        // a server that refuses us for good may be replaced by one that does not
      }
      this.lost();
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  read = (): LinkState => this.state;

  /** Be called with every change of state. */
  subscribe = (watcher: () => void): Undo => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Be called each time the link comes up; at once when it is up. */
  onLive(greeter: () => void): Undo {
    this.greeters.add(greeter);
    if (this.isLive) greeter();
    return () => this.greeters.delete(greeter);
  }

  /** Hear every message on this subject as JSON until undone; any number may listen to one subject. */
  listen(subject: string, hear: Hear): Undo {
    const hearers = this.wanted.get(subject) ?? new Set();
    this.wanted.set(subject, hearers.add(hear));
    if (this.connection && hearers.size === 1) this.attach(this.connection, subject, hearers);
    return () => {
      if (hearers.delete(hear) && hearers.size === 0) this.unlisten(subject);
    };
  }

  /** Ask and wait for the reply; throws when nobody answers in time, or there is no link. */
  async ask<T>(subject: string, body: unknown, timeout = ANSWER_MS): Promise<T> {
    return (await this.wired().request(subject, JSON.stringify(body), { timeout })).json<T>();
  }

  /** Publish and return the stream's acknowledgement; throws when there is none in time. */
  async store(subject: string, body: unknown, messageId: string): Promise<unknown> {
    const header = headers();
    header.set("Nats-Msg-Id", messageId);
    const options = { timeout: ANSWER_MS, headers: header };
    return (await this.wired().request(subject, JSON.stringify(body), options)).json();
  }

  /** Publish, best effort. */
  tell(subject: string): void {
    if (this.isLive) this.connection?.publish(subject);
  }

  private wired(): NatsConnection {
    if (!this.connection || !this.isLive) throw new Error("not connected");
    return this.connection;
  }

  private adopt(connection: NatsConnection): void {
    this.connection = connection;
    for (const [subject, hearers] of this.wanted) this.attach(connection, subject, hearers);
    this.up();
  }

  private async follow(connection: NatsConnection): Promise<void> {
    for await (const event of connection.status()) {
      if (event.type === "disconnect") this.lost();
      if (event.type === "reconnect") this.up();
    }
  }

  private attach(connection: NatsConnection, subject: string, hearers: Set<Hear>): void {
    const subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        const body = error ? undefined : parsed(message.string());
        if (body !== undefined) [...hearers].forEach((hear) => hear(body));
      },
    });
    this.cancels.set(subject, () => subscription.unsubscribe());
  }

  private unlisten(subject: string): void {
    this.wanted.delete(subject);
    this.cancels.get(subject)?.();
    this.cancels.delete(subject);
  }

  private up(): void {
    this.become("live");
    [...this.greeters].forEach((greet) => greet());
  }

  private lost(): void {
    if (this.isLive) {
      this.downSince = Date.now();
      this.become("reconnecting");
    }
  }

  /** The clock's part: a first connection that takes too long, or a machine without a network. */
  private judge(): void {
    if (this.isLive) return;
    if (!navigator.onLine || (this.state === "connecting" && this.isHopeless)) this.become("offline");
    else if (this.state === "offline" && this.connection) this.become("reconnecting");
  }

  private become(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    [...this.watchers].forEach((watch) => watch());
  }
}

function optionsFor(url: string): ConnectionOptions {
  const { protocol, host, pathname, username, password } = new URL(url);
  return {
    servers: `${protocol}//${host}${pathname === "/" ? "" : pathname}`,
    name: "memebattle-page",
    // on Kubernetes the servers gossip pod addresses, which no browser can reach
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 200,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where NATS is: as configured, else by convention beside this page. */
export function websocketUrl(configured: string | null, page: Location = window.location): string {
  const scheme = page.protocol === "https:" ? "wss" : "ws";
  return configured ?? `${scheme}://nats.${page.hostname}`;
}
