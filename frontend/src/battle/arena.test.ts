import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../nats/link";
import { Arena } from "./arena";
import { aQuestion, aReply, aView } from "./examples";
import type { BattleReply } from "./types";

interface Asked {
  subject: string;
  body: { prompt?: string };
}

/** A link that is up or down; `answer` is what the workers say, and nobody does when it is missing. */
function aLink(answer?: (subject: string) => BattleReply) {
  const asked: Asked[] = [];
  const greeters = new Set<() => void>();
  const link = {
    isLive: false,
    listen: () => () => {},
    onLive: (greeter: () => void) => {
      greeters.add(greeter);
      if (link.isLive) greeter();
      return () => greeters.delete(greeter);
    },
    ask: async (subject: string, body: Asked["body"]) => {
      asked.push({ subject, body });
      if (!answer) throw new Error("nobody");
      return answer(subject);
    },
  };
  const comesUp = () => {
    link.isLive = true;
    greeters.forEach((greet) => greet());
  };
  const prompts = () => asked.flatMap(({ body }) => body.prompt ?? []);
  return { link: link as unknown as Link, asked, prompts, comesUp };
}

const anArena = (link: Link) => new Arena(link, "KBDF", { token: "t" });
const writing = aView({ phase: "prompt" });

describe("Arena", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    const stored = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("never sends what was written before somebody left, and came back, and wrote something else", async () => {
    const { link, prompts, comesUp } = aLink(() => aReply({ view: writing }));
    const first = anArena(link);
    first.open();
    first.post("entry", "enter", { prompt: "a cat" });
    await vi.advanceTimersByTimeAsync(1000);
    first.close();
    const second = anArena(link);
    second.open();
    expect(second.read().sending).toEqual(["entry"]);
    second.post("entry", "enter", { prompt: "a dog" });
    comesUp();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(prompts()).toEqual(["a dog"]);
    expect(second.read().sending).toEqual([]);
    second.close();
  });

  it("can be opened again after it was closed, and sends what it kept", async () => {
    const { link, prompts, comesUp } = aLink(() => aReply({ view: writing }));
    const arena = anArena(link);
    arena.open();
    arena.post("entry", "enter", { prompt: "a cat" });
    arena.close();
    arena.open();
    comesUp();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(prompts()).toEqual(["a cat"]);
    arena.close();
  });

  it("keeps the question when the word on a prompt comes late", async () => {
    const questions = ["m1", "m2"].map(aQuestion);
    const { link, comesUp } = aLink((subject) =>
      aReply(subject === "battle.state" ? { question: questions.shift()! } : {}),
    );
    const arena = anArena(link);
    arena.open();
    comesUp();
    await vi.advanceTimersByTimeAsync(0);
    arena.post("entry", "enter", { prompt: "a cat" });
    await vi.advanceTimersByTimeAsync(0);
    expect(arena.read()).toMatchObject({ question: { match: "m1" }, hasNoMore: false, sending: [] });
    arena.close();
  });

  it("asks at once when it votes and knows neither a question nor that there is none", async () => {
    const looks = [{ ok: false, code: "unavailable" } as const, aReply({ question: aQuestion("m1") })];
    const { link, comesUp } = aLink((subject) => (subject === "battle.state" ? looks.shift()! : aReply()));
    const arena = anArena(link);
    arena.open();
    arena.post("entry", "enter", { prompt: "a cat" });
    const seen: boolean[] = [];
    arena.subscribe(() => seen.push(arena.read().hasNoMore));
    comesUp();
    await vi.advanceTimersByTimeAsync(1000);
    expect(arena.read().question?.match).toBe("m1");
    expect(seen).not.toContain(true);
    arena.close();
  });

  it("goes on to the next question, and knows the last one", async () => {
    const next = [aReply({ question: aQuestion("m2") }), aReply()];
    const { link, comesUp } = aLink((subject) =>
      subject === "battle.state" ? aReply({ question: aQuestion("m1") }) : next.shift()!,
    );
    const arena = anArena(link);
    arena.open();
    comesUp();
    await vi.advanceTimersByTimeAsync(0);
    const matches: (string | undefined)[] = [];
    for (let vote = 0; vote < 2; vote++) {
      arena.post("vote", "vote", { match: arena.read().question!.match });
      await vi.advanceTimersByTimeAsync(0);
      matches.push(arena.read().question?.match);
    }
    expect(matches).toEqual(["m2", undefined]);
    expect(arena.read().hasNoMore).toBe(true);
    arena.close();
  });

  it("does not promise to try again what it does not", async () => {
    const { link } = aLink();
    const arena = anArena(link);
    expect((await arena.send("join")).error).toBe("nobody answered; please try again");
    expect((await arena.look()).error).toBe("nobody answered; we keep trying");
  });
});
