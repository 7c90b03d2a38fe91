/**
 * A storm: many requests at once, to see the platform breathe.
 *
 * They go out in small bites, so that the page stays smooth, and each waits for its place in the stream to be
 * confirmed. What is lost on the way is sent again under the same id; an answer that was missed is looked up.
 */

/** What a storm needs of the link to NATS. */
export interface Wire {
  /** Publish and return the acknowledgement; throws when there is none in time. */
  store(subject: string, body: unknown, messageId: string): Promise<unknown>;
  /** Publish, best effort. */
  tell(subject: string): void;
  /** Hear every message as JSON, until the function returned is called. */
  listen(subject: string, hear: (body: unknown) => void): () => void;
}

export type Outcome = "painted" | "failed";

/** The answer to a request, from where answers are kept; undefined while there is none. */
export type LookUp = (id: string) => Promise<Outcome | undefined>;

export interface Tally {
  /** How many are wished for; fewer after a stop. */
  wanted: number;
  sent: number;
  painted: number;
  failed: number;
}

export const CALM: Tally = { wanted: 0, sent: 0, painted: 0, failed: 0 };

const BITE = 8;
const PAUSE_MS = 120;
const MOST_UNCONFIRMED = 32;
const SILENCE_MS = 5000;
const LOOKS_AT_ONCE = 4;

export class Storm {
  private tally: Tally = CALM;
  private waiting: string[] = [];
  private unconfirmed = new Set<string>();
  private open = new Set<string>();
  private readers = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private silences: (() => void)[] = [];
  private lastNews = 0;
  private isStopped = false;

  constructor(
    private readonly wire: Wire,
    private readonly subject: string,
    private readonly lookUp: LookUp,
    private readonly now: () => number = Date.now,
  ) {}

  read = (): Tally => this.tally;

  subscribe = (reader: () => void): (() => void) => {
    this.readers.add(reader);
    return () => this.readers.delete(reader);
  };

  /** Ask for so many memes. `name` makes their ids and prompts unlike those of every other storm. */
  start(count: number, name: string): void {
    this.quieten();
    this.isStopped = false;
    this.waiting = Array.from({ length: count }, (_, at) => `storm-${name}-${at + 1}`);
    this.open = new Set(this.waiting);
    this.tally = { ...CALM, wanted: count };
    this.lastNews = this.now();
    this.silences = [
      this.wire.listen("meme.created", (body) => this.heard(body, "painted")),
      this.wire.listen("meme.response.error", (body) => this.heard(body, "failed")),
    ];
    this.timer = setInterval(() => this.step(), PAUSE_MS);
    this.show();
  }

  /** Ask for no more, and call off what is not answered yet. */
  stop(): void {
    this.isStopped = true;
    this.waiting.forEach((id) => this.open.delete(id));
    this.waiting = [];
    this.open.forEach((id) => this.wire.tell(`meme.cancel.${id}`));
    this.settleFor();
  }

  private step(): void {
    const room = Math.min(BITE, MOST_UNCONFIRMED - this.unconfirmed.size);
    for (const id of this.waiting.splice(0, Math.max(0, room))) void this.send(id);
    if (this.now() - this.lastNews > SILENCE_MS) this.lookForMissed();
  }

  private async send(id: string): Promise<void> {
    this.unconfirmed.add(id);
    try {
      const ack = (await this.wire.store(this.subject, requestOf(id), id)) as { stream?: string };
      if (ack.stream === undefined) throw new Error("the stream is full");
      if (this.open.has(id)) this.show({ sent: this.tally.sent + 1 });
    } catch {
      this.unsent(id);
    }
    this.unconfirmed.delete(id);
  }

  private unsent(id: string): void {
    if (!this.open.has(id)) return;
    if (!this.isStopped) this.waiting.push(id);
    else if (this.open.delete(id)) this.settleFor();
  }

  /** After a stop: no more is wanted than what is answered or may still be. */
  private settleFor(): void {
    if (this.open.size === 0) this.quieten();
    this.show({ wanted: this.tally.painted + this.tally.failed + this.open.size });
  }

  private heard(body: unknown, outcome: Outcome): void {
    const { request_id: id } = body as { request_id?: string };
    if (id !== undefined) this.settle(id, outcome);
  }

  private settle(id: string, outcome: Outcome): void {
    if (!this.open.delete(id)) return;
    this.lastNews = this.now();
    this.show({ [outcome]: this.tally[outcome] + 1 });
    if (this.open.size === 0) this.quieten();
  }

  private lookForMissed(): void {
    this.lastNews = this.now();
    const sent = [...this.open].filter((id) => !this.waiting.includes(id) && !this.unconfirmed.has(id));
    for (const id of sent.slice(0, LOOKS_AT_ONCE)) {
      this.open.delete(id);
      this.open.add(id); // to the end of the line: the next look is for others
      void this.lookUp(id).then(
        (outcome) => outcome && this.settle(id, outcome),
        () => undefined,
      );
    }
  }

  private quieten(): void {
    clearInterval(this.timer);
    this.silences.forEach((silence) => silence());
    this.silences = [];
  }

  private show(change: Partial<Tally> = {}): void {
    this.tally = { ...this.tally, ...change };
    this.readers.forEach((reader) => reader());
  }
}

export const isRaging = (tally: Tally): boolean => tally.painted + tally.failed < tally.wanted;

const WHO = ["a raccoon", "three penguins", "the intern", "a very small dragon", "my alarm clock", "a tired owl"];
const WHAT = [
  "in a thunderstorm",
  "chasing the cloud",
  "holding an umbrella",
  "surfing the wind",
  "counting raindrops",
];

/** A prompt of its own for each, so that none comes out of the cache. */
function requestOf(id: string): object {
  const [, name, number] = id.split("-");
  const at = Number(number);
  const prompt = `${WHO[at % WHO.length]} ${WHAT[at % WHAT.length]} | storm ${name}, drop ${number}`;
  return { id, prompt, fast_mode: true, small_image: true };
}
