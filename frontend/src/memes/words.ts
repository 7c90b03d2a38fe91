/** What the page says: errors for people, and prompts for those who have none. */
import type { ErrorCode } from "./types";

const ERRORS: Record<ErrorCode, string> = {
  invalid_request: "The workers could not read this request.",
  payload_too_large: "The picture came out too big to send.",
  rate_limited: "The model needs a break: too many requests right now.",
  provider_auth: "The model does not let us in. Whoever runs this has to check its token.",
  provider_quota: "This month's credits for the model are used up.",
  model_unavailable: "The model is not served any more.",
  provider_unavailable: "The model is out of reach right now.",
  timeout: "The model took too long.",
  nsfw: "The model would rather not draw this one.",
  cancelled: "You called it off.",
  dead_lettered: "Several workers tried and gave up.",
  internal: "Something broke on our side.",
};

/** A newer worker may know codes that this page does not. */
export const inWords = (code: ErrorCode): string => ERRORS[code] ?? "That did not work.";

const SURPRISES = [
  "A cat wearing a space helmet on Mars | one small step for cat",
  "When the build is green | and nobody knows why",
  "A raccoon in a suit giving a quarterly report",
  "It works on my machine | then we ship your machine",
  "A pigeon running a message broker",
  "Monday morning | already out of coffee",
  "A dog reviewing a pull request, looking disappointed",
  "Deploying on Friday | what could go wrong",
  "A penguin surfing on a pizza through space",
  "One more quick fix | four hours later",
];

/** Another one than what stands there. */
export function surprise(current: string, random: () => number = Math.random): string {
  const others = SURPRISES.filter((each) => each !== current);
  return others[Math.floor(random() * others.length)] ?? SURPRISES[0]!;
}

export const duration = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
