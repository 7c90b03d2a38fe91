/** What the gateway refuses: problem details (RFC 9457), and what they mean in words. */

export interface Fault {
  pointer: string;
  detail: string;
}

interface Details {
  type?: string;
  title?: string;
  detail?: string;
  errors?: Fault[];
}

/** A request that was not served. `status` 0: nobody answered; `retryAfter` in seconds. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly detail: string,
    readonly retryAfter?: number,
    readonly faults: readonly Fault[] = [],
  ) {
    super(detail);
  }

  /** Whether the same request may be served later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Like `fetch`; throws a `Problem` for every answer that is none. */
export async function fetched(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init?.signal?.aborted) throw error;
    throw new Problem(0, "unreachable", "nobody answered");
  });
  if (!response.ok) throw await problemIn(response);
  return response;
}

/** The same with a JSON body. */
export function sent(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetched(path, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function problemIn(response: Response): Promise<Problem> {
  const details: Details = await response.json().catch(() => ({}));
  const kind = details.type?.split(":").at(-1) ?? "blank";
  const wait = Number(response.headers.get("Retry-After")) || undefined;
  return new Problem(response.status, kind, details.detail ?? details.title ?? "", wait, details.errors);
}

const WORDS: Record<string, string> = {
  unreachable: "The gateway does not answer. Look at your connection, then try again.",
  "rate-limited": "That was a lot at once.",
  "queue-full": "Too much is waiting already.",
  busy: "The gateway has its hands full.",
  "nats-unavailable": "The message bus is away for a moment.",
  "memory-unavailable": "The memory is away for a moment.",
  "pod-full": "This gateway has no room for another listener.",
  "session-full": "Too many screens follow this conversation.",
  "too-many-tasks": "That is too much at once.",
  "too-slow": "Nobody answered in time.",
  "unknown-task": "Nobody knows this task any more.",
  "unknown-message": "Nobody knows this message any more.",
  "not-scored": "This task has no score yet.",
  "id-conflict": "This id was used for something else before.",
  "content-too-large": "That is too long to be sent.",
};

/** For people: what happened, and what to do about it. */
export function inWords(error: unknown): string {
  if (!(error instanceof Problem)) return "Something broke on this page. Reload it, please.";
  if (error.kind === "invalid-request") return faultsInWords(error);
  const known = WORDS[error.kind] ?? (error.status >= 500 ? "Something broke on our side." : sentence(error.detail));
  return error.retryAfter && error.mayPass ? `${known} Try again in ${seconds(error.retryAfter)}.` : known;
}

function faultsInWords({ faults, detail }: Problem): string {
  if (faults.length === 0) return sentence(detail);
  return faults.map((fault) => sentence(`${fieldOf(fault.pointer)}: ${fault.detail}`)).join(" ");
}

/** `#/business_value` -> `business value` */
const fieldOf = (pointer: string): string => pointer.replace(/^#\//, "").replaceAll("/", " ").replaceAll("_", " ");

function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "That did not work.";
  const whole = trimmed[0]!.toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

const seconds = (count: number): string => (count === 1 ? "a second" : `${count} seconds`);
