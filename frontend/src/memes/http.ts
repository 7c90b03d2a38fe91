/** The other way to the workers: the gateway's REST interface. It also knows answers that were missed. */
import type { Answer, NamedRequest, PageConfig } from "./types";

const WAIT_SECONDS = 20;

/** The gateway refused for good; the message is for people. */
export class Refused extends Error {}

export type Posted = { kind: "answered"; answer: Answer } | { kind: "stored" } | { kind: "later" };

export async function config(): Promise<PageConfig> {
  const response = await fetch("/config.json");
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return response.json();
}

/** Ask over HTTP. Throws `Refused` when asking again would not help, a network error when it might. */
export async function post(request: NamedRequest): Promise<Posted> {
  const response = await fetch("/api/memes", {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: `wait=${WAIT_SECONDS}` },
    body: JSON.stringify(request),
  });
  if (response.status === 200) return { kind: "answered", answer: await response.json() };
  if (response.status === 202) return { kind: "stored" };
  if (response.status >= 500 || response.status === 429) return { kind: "later" };
  throw new Refused((await problem(response)) ?? `the gateway said ${response.status}`);
}

/** The answer to this request, if it is stored. */
export async function look(id: string): Promise<Answer | undefined> {
  const response = await fetch(`/api/memes/${id}`);
  return response.status === 200 ? response.json() : undefined;
}

export async function cancel(id: string): Promise<void> {
  await fetch(`/api/memes/${id}`, { method: "DELETE" });
}

async function problem(response: Response): Promise<string | undefined> {
  const body: { detail?: string } = await response.json().catch(() => ({}));
  return body.detail;
}
