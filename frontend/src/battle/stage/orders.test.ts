import { describe, expect, it } from "vitest";
import type { BattleReply } from "../types";
import { carryOut, ordersOf, type Order } from "./orders";

const view = { deadline: 1_700_000_000_000 };

describe("an order", () => {
  it("to skip says which deadline the host has seen", () => {
    expect(ordersOf("skip", [], view)).toEqual([{ action: "skip", deadline: 1_700_000_000_000 }]);
    expect(ordersOf("skip", [], undefined)).toEqual([{ action: "skip", deadline: null }]);
  });

  it("is one for each of whom it is about, or one alone", () => {
    expect(ordersOf("approve", ["one", "two"], view)).toEqual([
      { action: "approve", target: "one" },
      { action: "approve", target: "two" },
    ]);
    expect(ordersOf("pause", [], view)).toEqual([{ action: "pause" }]);
  });
});

describe("several orders", () => {
  const orders = ordersOf("approve", ["one", "two", "three"], view);

  it("are sent one after the other", async () => {
    const happened: string[] = [];
    const send = async ({ target }: Order): Promise<BattleReply> => {
      happened.push(`sent ${target}`);
      await Promise.resolve();
      happened.push(`done ${target}`);
      return { ok: true };
    };

    await carryOut(orders, send, () => expect.unreachable("nothing to complain about"));

    expect(happened).toEqual(["sent one", "done one", "sent two", "done two", "sent three", "done three"]);
  });

  it("go on after one that fails, whose complaint is not taken back", async () => {
    const sent: (string | null | undefined)[] = [];
    const complaints: string[] = [];
    const send = async ({ target }: Order): Promise<BattleReply> => {
      sent.push(target);
      return target === "one" ? { ok: false, code: "unavailable", error: "nobody answered" } : { ok: true };
    };

    await carryOut(orders, send, (complaint) => complaints.push(complaint));

    expect(sent).toEqual(["one", "two", "three"]);
    expect(complaints).toEqual(["Nobody answered."]);
  });
});
