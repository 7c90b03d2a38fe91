/** What the page says to the gateway; what it hears comes over the stream. */
import type { HistoryEntry } from "../../../asyncapi/types";
import { fetched, sent } from "../ui/problem";
import type { Exchange } from "./transcript";

/** Says a message; the same id again is the same message. Throws a `Problem`. */
export async function say(session: string, id: string, message: string): Promise<void> {
  await sent("POST", "/api/chat", { session_id: session, message_id: id, message });
}

/** Asks to stop an answer; the stream says when it has stopped. Throws a `Problem`. */
export async function stop(session: string, id: string): Promise<void> {
  await fetched(`/api/chat/${id}?session_id=${session}`, { method: "DELETE" });
}

/** What the server remembers of a conversation, oldest first. Throws a `Problem`. */
export async function history(session: string): Promise<Exchange[]> {
  const response = await fetched(`/api/chat/history?session_id=${session}`);
  const { messages }: { messages: HistoryEntry[] } = await response.json();
  return exchangesIn(messages);
}

function exchangesIn(messages: readonly HistoryEntry[]): Exchange[] {
  const exchanges: Exchange[] = [];
  for (const { role, content } of messages) {
    const last = exchanges.at(-1);
    if (role === "user") exchanges.push({ question: content, answer: "" });
    else if (last) last.answer = content;
  }
  return exchanges;
}
