import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SILENCE_MS, Stream } from "./stream";

/** An EventSource that does what the test says. */
class Twin {
  static opened: Twin[] = [];
  readyState = 1;
  onerror: () => void = () => {};
  private readonly hearers = new Map<string, (event: { data: string }) => void>();

  constructor(readonly url: string) {
    Twin.opened.push(this);
  }

  addEventListener(name: string, hear: (event: { data: string }) => void): void {
    this.hearers.set(name, hear);
  }

  says(name: string, data: unknown): void {
    this.hearers.get(name)?.({ data: JSON.stringify(data) });
  }

  breaks(readyState: 0 | 2): void {
    this.readyState = readyState;
    this.onerror();
  }

  close(): void {
    this.readyState = 2;
  }
}

const heard: unknown[] = [];
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  Twin.opened = [];
  heard.length = 0;
  const hearing = {
    onOpen: (begun: boolean) => heard.push(begun ? "begun" : "resumed"),
    onLost: () => heard.push("lost"),
    onChunk: (chunk: unknown) => heard.push(chunk),
    onComplete: (end: unknown) => heard.push(end),
  };
  stream = new Stream("sess_1", hearing, (url) => new Twin(url) as unknown as EventSource);
  stream.open();
});

afterEach(() => {
  stream.close();
  vi.useRealTimers();
});

test("passes on what the session is told", () => {
  const source = Twin.opened[0]!;
  source.says("connected", { resumed: false });
  source.says("chunk", { chunk_id: 0 });
  source.says("ping", {});
  source.says("message_complete", { message_id: "m" });
  expect(source.url).toBe("/api/sse?session_id=sess_1");
  expect(heard).toEqual(["begun", { chunk_id: 0 }, { message_id: "m" }]);
});

test("lets the browser come back by itself", () => {
  Twin.opened[0]!.breaks(0);
  vi.advanceTimersByTime(10_000);
  Twin.opened[0]!.says("connected", { resumed: true });
  expect(heard).toEqual(["lost", "resumed"]);
  expect(Twin.opened).toHaveLength(1);
});

test("begins anew after a refusal, with longer and longer pauses", () => {
  Twin.opened[0]!.breaks(2);
  vi.advanceTimersByTime(500);
  Twin.opened[1]!.breaks(2);
  vi.advanceTimersByTime(999);
  expect(Twin.opened).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(Twin.opened).toHaveLength(3);
});

test("begins anew when nobody has said anything for too long", () => {
  Twin.opened[0]!.says("ping", {});
  vi.advanceTimersByTime(SILENCE_MS - 1000);
  expect(Twin.opened).toHaveLength(1);
  vi.advanceTimersByTime(2000);
  expect(Twin.opened).toHaveLength(2);
  expect(Twin.opened[0]!.readyState).toBe(2);
});

test("is silent once it is closed", () => {
  Twin.opened[0]!.breaks(2);
  stream.close();
  vi.advanceTimersByTime(120_000);
  expect(Twin.opened).toHaveLength(1);
});
