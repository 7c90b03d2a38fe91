import { describe, expect, test } from "vitest";
import type { ResponseChunk } from "../../../asyncapi/types";
import { after, answerOf, hasHole, phaseOf, type Happening, type Turn } from "./transcript";

const chunk = (id: number, text: string, more: Partial<ResponseChunk> = {}): Happening => ({
  kind: "chunk",
  chunk: {
    session_id: "s",
    message_id: "m",
    chunk_id: id,
    chunk: text,
    chunk_type: "content",
    is_final: false,
    timestamp: "2026-11-21T18:00:00.000Z",
    ...more,
  },
});
const last = (id: number, reason: "stop" | "length" | "cancelled" = "stop"): Happening =>
  chunk(id, "", { is_final: true, chunk_type: "metadata", metadata: { finish_reason: reason, tokens_used: 3 } });
const asked: Happening = { kind: "asked", id: "m", question: "why?" };

const play = (happenings: Happening[], from: readonly Turn[] = []): readonly Turn[] => happenings.reduce(after, from);
const only = (turns: readonly Turn[]): Turn => {
  expect(turns).toHaveLength(1);
  return turns[0]!;
};

describe("an answer", () => {
  test("grows chunk by chunk and ends with its last one", () => {
    let turns = play([asked]);
    expect(phaseOf(only(turns))).toBe("sending");
    turns = play([{ kind: "taken", id: "m" }], turns);
    expect(phaseOf(only(turns))).toBe("waiting");
    turns = play([chunk(0, "Be"), chunk(1, "cause")], turns);
    expect([phaseOf(only(turns)), answerOf(only(turns))]).toEqual(["answering", "Because"]);
    turns = play([last(2)], turns);
    expect([phaseOf(only(turns)), answerOf(only(turns))]).toEqual(["done", "Because"]);
    expect(only(turns).metadata?.tokens_used).toBe(3);
  });

  test("is the same in whatever order and however often its chunks come", () => {
    const told = [chunk(0, "a"), chunk(1, "b"), chunk(2, "a"), last(3)];
    const orders = [[3, 2, 1, 0], [1, 0, 3, 2], [0, 0, 1, 2, 2, 3, 3], [2, 3, 0, 1, 2, 0]];
    for (const order of orders) {
      const turn = only(play([asked, ...order.map((place) => told[place]!)]));
      expect([answerOf(turn), phaseOf(turn), hasHole(turn)]).toEqual(["aba", "done", false]);
    }
  });

  test("is shown as far as nothing is missing, and says that something is", () => {
    const turn = only(play([asked, chunk(0, "one "), chunk(2, "three ")]));
    expect([answerOf(turn), hasHole(turn), phaseOf(turn)]).toEqual(["one ", true, "answering"]);
    const healed = only(play([chunk(1, "two ")], [turn]));
    expect([answerOf(healed), hasHole(healed)]).toEqual(["one two three ", false]);
  });

  test("marks what stayed missing when it has ended, also at its end", () => {
    const torn = only(play([asked, chunk(0, "one"), chunk(3, "four"), last(4)]));
    expect([answerOf(torn), hasHole(torn)]).toEqual(["one […] four", true]);
    const end: Happening = { kind: "complete", end: { message_id: "m", chunks: 3, metadata: { finish_reason: "stop" } } };
    const cut = only(play([asked, chunk(0, "one"), end]));
    expect([answerOf(cut).trim(), hasHole(cut), phaseOf(cut)]).toEqual(["one […]", true, "done"]);
  });

  test("keeps what was said when it is stopped, or breaks off", () => {
    const stopped = only(play([asked, chunk(0, "So"), { kind: "stopping", id: "m", isStopping: true }, last(1, "cancelled")]));
    expect([answerOf(stopped), phaseOf(stopped), stopped.isStopping]).toEqual(["So", "stopped", false]);
    const error = { code: "truncated", message: "the line broke" };
    const failed = only(play([asked, chunk(0, "So"), chunk(1, "", { is_final: true, chunk_type: "error", error })]));
    expect([answerOf(failed), phaseOf(failed), failed.error]).toEqual(["So", "failed", error]);
  });

  test("of a message that was refused is none, until it comes after all", () => {
    const refused = only(play([asked, { kind: "refused", id: "m", why: "Too much." }]));
    expect([phaseOf(refused), refused.refusal]).toEqual(["refused", "Too much."]);
    expect(phaseOf(only(play([chunk(0, "Yes")], [refused])))).toBe("answering");
    const late = only(play([asked, chunk(0, "Yes"), { kind: "refused", id: "m", why: "Too much." }]));
    expect(phaseOf(late)).toBe("answering");
  });
});

describe("the server's memory", () => {
  const remembered = (...exchanges: [string, string][]): Happening => ({
    kind: "remembered",
    exchanges: exchanges.map(([question, answer]) => ({ question, answer })),
  });
  const shown = (turns: readonly Turn[]) => turns.map((turn) => [turn.question, answerOf(turn), phaseOf(turn)]);

  test("comes before what this page saw, and twice is once", () => {
    const seen = [asked, chunk(0, "Because"), last(1)];
    const memory = remembered(["hello", "Hi!"], ["why?", "Because"]);
    const expected = [["hello", "Hi!", "done"], ["why?", "Because", "done"]];
    expect(shown(play([...seen, memory]))).toEqual(expected);
    expect(shown(play([...seen, memory, memory]))).toEqual(expected);
  });

  test("has the same exchange twice when it was said twice", () => {
    const again: Happening[] = [asked, chunk(0, "Because"), last(1)].map((each) => JSON.parse(JSON.stringify(each).replaceAll('"m"', '"n"')));
    const turns = play([asked, chunk(0, "Because"), last(1), ...again]);
    const memory = remembered(["why?", "Because"], ["why?", "Because"]);
    expect(play([memory], turns).map((turn) => turn.id)).toEqual(["m", "n"]);
  });

  test("came first, then the stream told the same: still one turn when it is asked again", () => {
    const memory = remembered(["why?", "Because"]);
    const turns = play([memory, chunk(0, "Because"), last(1)]);
    expect(turns).toHaveLength(2);
    expect(shown(play([memory], turns))).toEqual([["why?", "Because", "done"]]);
  });

  test("knows the question that was asked on another screen", () => {
    const turns = play([chunk(0, "Because"), last(1)]);
    expect(only(turns).question).toBeUndefined();
    expect(shown(play([remembered(["why?", "Because"])], turns))).toEqual([["why?", "Because", "done"]]);
  });

  test("ends an answer whose end was missed", () => {
    const turns = play([asked, { kind: "taken", id: "m" }, chunk(0, "Be")]);
    expect(shown(play([remembered(["why?", "Because"])], turns))).toEqual([["why?", "Because", "done"]]);
  });

  test("leaves a message alone that is still in work", () => {
    const turns = play([asked, { kind: "taken", id: "m" }]);
    expect(shown(play([remembered(["hello", "Hi!"])], turns))).toEqual([
      ["hello", "Hi!", "done"],
      ["why?", "", "waiting"],
    ]);
  });

  test("fills a hole that no stream can fill any more", () => {
    const turns = play([asked, chunk(1, "cause"), last(2)]);
    expect(answerOf(only(turns))).toBe(" […] cause");
    expect(shown(play([remembered(["why?", "Because"])], turns))).toEqual([["why?", "Because", "done"]]);
  });
});
