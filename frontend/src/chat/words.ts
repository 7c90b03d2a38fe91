/** What the chat says: how an answer ended, what it cost, and beginnings for those who have none. */
import type { ChunkMetadata } from "../../../asyncapi/types";
import type { Phase, Turn } from "./transcript";

export const BEGINNINGS = [
  "A caption for a deploy on Friday, please",
  "When my cat joins the standup call",
  "What makes a meme funny?",
  "How do I win the battle?",
];

const ERRORS: Record<string, string> = {
  invalid_request: "The coach could not read this message.",
  provider_auth: "The model does not let us in. Whoever runs this has to check its key.",
  provider_quota: "The credits for the model are used up.",
  provider_unavailable: "The model is out of reach right now.",
  model_unavailable: "The model is not served any more.",
  rate_limited: "The model needs a break: too many messages right now.",
  timeout: "The model took too long.",
  nsfw: "The coach would rather not talk about this.",
  truncated: "The line to the model broke in mid-sentence.",
  dead_lettered: "Several workers tried and gave up.",
};

/** How a turn stands or ended; empty when its answer says enough. */
export function standing(turn: Turn, phase: Phase, isNext: boolean): string {
  switch (phase) {
    case "sending":
      return "Sending";
    case "refused":
      return turn.refusal ?? "That did not get through.";
    case "waiting":
      return isNext ? "The coach is thinking" : "In line behind your last message";
    case "answering":
      return turn.isStopping ? "Stopping" : "";
    case "stopped":
      return "Stopped here.";
    case "failed":
      return ERRORS[turn.error?.code ?? ""] ?? "The answer broke off.";
    case "done":
      return turn.metadata?.finish_reason === "length" ? "Cut here: the answer reached its greatest length." : "";
  }
}

/** `48 tokens, after reading 120 · llama3.2` */
export function cost({ tokens_used, prompt_tokens, model }: ChunkMetadata): string {
  const tokens = tokens_used == null ? "" : tokens_used === 1 ? "1 token" : `${tokens_used} tokens`;
  const read = tokens && prompt_tokens != null ? `, after reading ${prompt_tokens}` : "";
  return [tokens + read, model].filter(Boolean).join(" · ");
}
