/** The routes of priority; every function throws a `Problem` for what is refused. */
import { fetched, sent } from "../ui/problem";
import type {
  Category,
  Decision,
  Item,
  PriorityError,
  PriorityRequest,
  PriorityResult,
  Ranking,
  Rules,
  ScoringModel,
  Simulated,
  TaskState,
  UrgencyLevel,
  Weights,
} from "./types";

const BASE = "/api/v1/prioritization";
/** Seconds; a score takes milliseconds, unless many are in line. */
const WAIT = 5;

export interface Filter {
  level?: UrgencyLevel;
  category?: Category;
}

/** Null: it is stored, and will be scored later. */
export type Answer = PriorityResult | PriorityError | null;

/** Ask how urgent a task is. The same key again is the same task, so it may be sent until it gets through. */
export async function ask(task: PriorityRequest, key: string): Promise<Answer> {
  const response = await sent("POST", BASE, task, { "Idempotency-Key": key, Prefer: `wait=${WAIT}` });
  return response.status === 200 ? response.json() : null;
}

export async function askAll(tasks: readonly unknown[]): Promise<Item[]> {
  const response = await sent("POST", `${BASE}/batch`, { tasks });
  const { items }: { items: Item[] } = await response.json();
  return items;
}

export async function ranking(limit: number, { level, category }: Filter): Promise<Ranking> {
  const query = new URLSearchParams({ limit: String(limit), ...(level && { level }), ...(category && { category }) });
  return (await fetched(`${BASE}/ranking?${query}`)).json();
}

export async function look(id: string): Promise<TaskState> {
  return (await fetched(`${BASE}/status/${id}`)).json();
}

export async function decide(id: string, decision: Decision): Promise<TaskState> {
  return (await sent("PATCH", `${BASE}/${id}`, decision)).json();
}

export async function withdraw(id: string): Promise<void> {
  await fetched(`${BASE}/${id}`, { method: "DELETE" });
}

export async function simulate(
  tasks: readonly string[],
  how: { model: ScoringModel; weights?: Weights },
): Promise<Simulated[]> {
  const { items }: { items: Simulated[] } = await (await sent("POST", `${BASE}/simulate`, { tasks, ...how })).json();
  return items;
}

export async function rules(): Promise<Rules> {
  return (await fetched("/api/v1/config/scoring")).json();
}

/** What happens to one task, from its beginning on; close it. */
export const follow = (id: string): EventSource => new EventSource(`${BASE}/${id}/events`);
