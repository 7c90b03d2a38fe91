/** What the host orders, as it goes over the wire: one thing at a time. */
import type { BattleHost } from "../../../../asyncapi/types";
import type { BattleReply, BattleView, HostAction } from "../types";
import { sentence } from "../words";

export type Order = Omit<BattleHost, "token">;

/** A skip says whose end is not waited for: when another phase has begun by then, it is not skipped. */
export function ordersOf(
  action: HostAction,
  targets: readonly string[],
  view: Pick<BattleView, "deadline"> | undefined,
): Order[] {
  if (action === "skip") return [{ action, deadline: view?.deadline ?? null }];
  return targets.length > 0 ? targets.map((target) => ({ action, target })) : [{ action }];
}

/** One after the other: all at once they would be in each other's way. One that fails does not stop the rest. */
export async function carryOut(
  orders: readonly Order[],
  send: (order: Order) => Promise<BattleReply>,
  complain: (complaint: string) => void,
): Promise<void> {
  for (const order of orders) {
    const reply = await send(order);
    if (!reply.ok) complain(sentence(reply.error ?? "that did not work"));
  }
}
