import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isRaging, Storm, type LookUp, type Wire } from "./storm";

interface Sent {
  id: string;
  prompt: string;
}

/** A link that stores everything, until it is told not to. */
class FakeWire implements Wire {
  sent: Sent[] = [];
  told: string[] = [];
  isDown = false;
  private hearers = new Map<string, Set<(body: unknown) => void>>();

  async store(_subject: string, body: unknown): Promise<unknown> {
    if (this.isDown) throw new Error("not connected");
    this.sent.push(body as Sent);
    return { stream: "MEMES" };
  }

  tell = (subject: string) => void this.told.push(subject);

  listen(subject: string, hear: (body: unknown) => void): () => void {
    const hearers = this.hearers.get(subject) ?? new Set();
    this.hearers.set(subject, hearers.add(hear));
    return () => void hearers.delete(hear);
  }

  say(subject: string, request_id: string): void {
    this.hearers.get(subject)?.forEach((hear) => hear({ request_id }));
  }

  get listeners(): number {
    return [...this.hearers.values()].reduce((sum, hearers) => sum + hearers.size, 0);
  }
}

describe("a storm", () => {
  const none: LookUp = async () => undefined;
  let wire: FakeWire;

  beforeEach(() => {
    vi.useFakeTimers();
    wire = new FakeWire();
  });
  afterEach(() => vi.useRealTimers());

  it("goes out in small bites, each with a prompt and an id of its own", async () => {
    new Storm(wire, "meme.request", none).start(60, "test");
    await vi.advanceTimersByTimeAsync(130);
    expect(wire.sent.length).toBeGreaterThan(0);
    expect(wire.sent.length).toBeLessThanOrEqual(10);
    await vi.advanceTimersByTimeAsync(2000);
    expect(new Set(wire.sent.map((each) => each.id)).size).toBe(60);
    expect(new Set(wire.sent.map((each) => each.prompt)).size).toBe(60);
  });

  it("counts its own answers, each once", async () => {
    const storm = new Storm(wire, "meme.request", none);
    storm.start(2, "test");
    await vi.advanceTimersByTimeAsync(200);
    wire.say("meme.created", "storm-test-1");
    wire.say("meme.created", "storm-test-1");
    wire.say("meme.created", "somebody-else");
    wire.say("meme.response.error", "storm-test-2");
    expect(storm.read()).toEqual({ wanted: 2, sent: 2, painted: 1, failed: 1 });
    expect(isRaging(storm.read())).toBe(false);
    expect(wire.listeners).toBe(0);
  });

  it("sends again what was not stored, under the same id", async () => {
    const storm = new Storm(wire, "meme.request", none);
    wire.isDown = true;
    storm.start(1, "test");
    await vi.advanceTimersByTimeAsync(500);
    wire.isDown = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(wire.sent.map((each) => each.id)).toEqual(["storm-test-1"]);
    expect(storm.read().sent).toBe(1);
  });

  it("looks up answers that it has missed", async () => {
    const storm = new Storm(wire, "meme.request", async () => "painted");
    storm.start(1, "test");
    await vi.advanceTimersByTimeAsync(6000);
    expect(storm.read()).toMatchObject({ painted: 1 });
  });

  it("stops: nothing more goes out, and what is in work is called off", async () => {
    const storm = new Storm(wire, "meme.request", none);
    storm.start(600, "test");
    await vi.advanceTimersByTimeAsync(130);
    const before = wire.sent.length;
    storm.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect(wire.sent.length).toBe(before);
    expect(wire.told).toEqual(wire.sent.map((each) => `meme.cancel.${each.id}`));
    wire.sent.forEach((each) => wire.say("meme.response.error", each.id));
    expect(isRaging(storm.read())).toBe(false);
  });

  it("is over at once when it is stopped before anything went out", () => {
    const storm = new Storm(wire, "meme.request", none);
    storm.start(5, "test");
    storm.stop();
    expect(isRaging(storm.read())).toBe(false);
    expect(wire.listeners).toBe(0);
  });

  it("does not send again what failed while it was stopped", async () => {
    const storm = new Storm(wire, "meme.request", none);
    wire.isDown = true;
    storm.start(1, "test");
    vi.advanceTimersByTime(130);
    storm.stop();
    wire.isDown = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(wire.sent).toEqual([]);
    expect(isRaging(storm.read())).toBe(false);
  });
});
