import { describe, expect, it } from "vitest";
import { aMe, aQuestion, aReply, aView } from "./examples";
import { EMPTY, isLookDue, withReply, withView, type Standing } from "./standing";

const standing = (change: Partial<Standing> = {}): Standing => ({
  ...EMPTY,
  view: aView(),
  me: aMe(),
  meAt: 10,
  ...change,
});

describe("withView", () => {
  it("takes what is newer and leaves what is older", () => {
    const newer = aView({ sequence: 11, votes: 5 });
    expect(withView(standing(), newer).view).toBe(newer);
    const before = standing({ view: newer });
    expect(withView(before, aView({ sequence: 10 }))).toBe(before);
  });

  it("takes a view of the same moment: its clock is fresher", () => {
    const again = aView({ now: 50_300 });
    expect(withView(standing(), again).view).toBe(again);
  });

  it("forgets in a new round what was entered in the last one", () => {
    const { me } = withView(standing(), aView({ sequence: 20, round: 2, phase: "prompt" }));
    expect(me).toMatchObject({ name: "Ada", votes_cast: 0 });
    for (const old of ["entry", "prompt", "request_id"]) expect(me).not.toHaveProperty(old);
  });

  it("keeps the own meme through the phases of a round", () => {
    expect(withView(standing(), aView({ sequence: 20, phase: "reveal" })).me?.entry).toBe("mine");
  });

  it("opens the choice again in the next match of the final, once it is known whose memes are on stage", () => {
    const duel = { number: 1, left: "a", right: "b", is_tie: false };
    const before = standing({
      view: aView({ phase: "verdict", duels: [duel] }),
      me: aMe({ has_chosen: true, is_on_stage: true }),
    });
    const next = withView(before, aView({ sequence: 30, phase: "duel", duels: [duel, { ...duel, number: 2 }] }));
    expect(next.me).toMatchObject({ has_chosen: false });
    expect(next.me).not.toHaveProperty("is_on_stage");
  });

  it("puts the question, and what was refused, away with the phase", () => {
    const before = standing({
      question: aQuestion("m1"),
      hasNoMore: true,
      refused: { slot: "vote", code: "not_now", error: "too late" },
    });
    const next = withView(before, aView({ sequence: 20, phase: "reveal" }));
    expect(next.question).toBeUndefined();
    expect(next.refused).toBeUndefined();
    expect(next.hasNoMore).toBe(false);
  });

  it("has found the battle, whatever was the problem", () => {
    const before: Standing = { ...EMPTY, problem: { code: "unavailable", error: "nobody answered" } };
    expect(withView(before, aView()).problem).toBeUndefined();
  });
});

describe("withReply", () => {
  it("leaves everything at a refusal", () => {
    const before = standing();
    expect(withReply(before, { ok: false, code: "not_now", error: "too late" })).toBe(before);
  });

  it("keeps the pictures still: a question stays until it is answered", () => {
    const before = standing({ question: aQuestion("m1") });
    const looked = withReply(before, aReply({ question: aQuestion("m2") }));
    expect(looked.question).toBe(before.question);
    const answered = withReply(before, aReply({ question: aQuestion("m2") }), true);
    expect(answered.question?.match).toBe("m2");
  });

  it("knows when there is nothing more to ask", () => {
    const next = withReply(standing({ question: aQuestion("m1") }), aReply(), true);
    expect(next.question).toBeUndefined();
    expect(next.hasNoMore).toBe(true);
  });

  it("takes the next question also when a newer view has overtaken the reply", () => {
    const before = standing({ view: aView({ sequence: 99 }), question: aQuestion("m1") });
    const next = withReply(before, aReply({ view: aView({ sequence: 50 }), question: aQuestion("m2") }), true);
    expect(next.question?.match).toBe("m2");
    expect(next.view?.sequence).toBe(99);
  });

  it("does not go back to a reply that is older than the last one", () => {
    const before = standing({ view: aView({ sequence: 99 }), meAt: 60 });
    const late = aReply({ view: aView({ sequence: 50 }), me: aMe({ votes_cast: 0 }), question: aQuestion("m0") });
    expect(withReply(before, late)).toMatchObject({ me: { votes_cast: 2 }, meAt: 60 });
    expect(withReply(before, late).question).toBeUndefined();
  });

  it("takes the next question also when a newer reply has overtaken the one to the answer", () => {
    const before = standing({ view: aView({ sequence: 99 }), meAt: 60, question: aQuestion("m1") });
    const late = { view: aView({ sequence: 50 }), me: aMe({ votes_cast: 0 }) };
    const next = withReply(before, aReply({ ...late, question: aQuestion("m2") }), true);
    expect(next).toMatchObject({ question: { match: "m2" }, hasNoMore: false, me: { votes_cast: 2 }, meAt: 60 });
    const last = withReply(before, aReply(late), true);
    expect(last).toMatchObject({ hasNoMore: true, me: { votes_cast: 2 }, meAt: 60 });
    expect(last.question).toBeUndefined();
  });

  it("does not take a reply of a phase that is over", () => {
    const before = standing({ view: aView({ sequence: 99, phase: "reveal" }) });
    const late = aReply({ view: aView({ sequence: 50 }), question: aQuestion("m2") });
    expect(withReply(before, late).question).toBeUndefined();
  });

  it("has no question for who only watches", () => {
    const reply = aReply({ me: aMe({ is_player: false }), question: aQuestion("m1") });
    expect(withReply({ ...EMPTY }, reply).question).toBeUndefined();
  });
});

describe("isLookDue", () => {
  const now = 1_000_000;
  const state = { lookedAt: now - 2000, heardAt: now - 2000, deadlinePassedFor: -5000 };

  it("is every ten seconds", () => {
    expect(isLookDue(state, now)).toBe(false);
    expect(isLookDue({ ...state, lookedAt: now - 10_000 }, now)).toBe(true);
  });

  it("is when a deadline has passed and nothing was heard since", () => {
    expect(isLookDue({ ...state, deadlinePassedFor: 1500 }, now)).toBe(true);
    expect(isLookDue({ ...state, deadlinePassedFor: 1400 }, now)).toBe(false);
    expect(isLookDue({ ...state, deadlinePassedFor: 1500, heardAt: now - 100 }, now)).toBe(false);
  });

  it("leaves the server time to answer", () => {
    expect(isLookDue({ ...state, deadlinePassedFor: 5000, lookedAt: now - 500 }, now)).toBe(false);
  });
});
