/** The form of a task: what stands in its fields, and the request that becomes of it. */
import type { Category, PriorityRequest, RequesterRole, ScoringModel } from "./types";

export interface Draft {
  title: string;
  description: string;
  category: Category | "";
  requester_role: RequesterRole;
  deadline: string;
  meeting_time: string;
  business_value: string;
  risk_level: string;
  affected_users_count: string;
  estimated_effort_hours: string;
  model: ScoringModel | "";
}

export type Complaints = Partial<Record<keyof Draft, string>>;

export const EMPTY: Draft = {
  title: "",
  description: "",
  category: "",
  requester_role: "EMPLOYEE",
  deadline: "",
  meeting_time: "",
  business_value: "",
  risk_level: "",
  affected_users_count: "",
  estimated_effort_hours: "",
  model: "",
};

const MAX_TITLE = 200;
const MAX_DESCRIPTION = 4000;

/** Field, least, most, and what to say; bounds as the server has them. */
const NUMBERS: readonly [keyof Draft, number, number, string][] = [
  ["business_value", 1, 10, "A number from 1 to 10."],
  ["risk_level", 1, 10, "A number from 1 to 10."],
  ["affected_users_count", 0, 1e10, "How many people, as a number."],
  ["estimated_effort_hours", 0.01, 10_000, "Hours of work, more than 0."],
];

/** What is wrong with it, by field; nothing when it may be sent. */
export function complaintsAbout(draft: Draft): Complaints {
  const title = lengthOf(draft.title);
  const complaints: Complaints = {};
  if (title === 0) complaints.title = "Say what it is about.";
  if (title > MAX_TITLE) complaints.title = `That is ${title - MAX_TITLE} characters too long.`;
  if (lengthOf(draft.description) > MAX_DESCRIPTION) complaints.description = `At most ${MAX_DESCRIPTION} characters.`;
  if (draft.category === "") complaints.category = "Choose what kind of task it is.";
  for (const [name, least, most, words] of NUMBERS) {
    const value = numberIn(draft[name]);
    if (value !== undefined && !(value >= least && value <= most)) complaints[name] = words;
  }
  const people = numberIn(draft.affected_users_count);
  if (people !== undefined && !Number.isInteger(people)) complaints.affected_users_count = "Whole people only.";
  return complaints;
}

/** The task in the form; call it when there are no complaints. */
export function requestOf(draft: Draft): PriorityRequest {
  return {
    title: draft.title.trim(),
    category: draft.category as Category,
    requester_role: draft.requester_role,
    ...given("description", draft.description.trim() || undefined),
    ...given("deadline", momentIn(draft.deadline)),
    ...given("meeting_time", momentIn(draft.meeting_time)),
    ...given("business_value", numberIn(draft.business_value)),
    ...given("risk_level", numberIn(draft.risk_level)),
    ...given("affected_users_count", numberIn(draft.affected_users_count)),
    ...given("estimated_effort_hours", numberIn(draft.estimated_effort_hours)),
    ...given("model", draft.model || undefined),
  };
}

/** Undefined for an empty field, NaN for one that holds no number; a comma is a point too. */
function numberIn(text: string): number | undefined {
  const trimmed = text.trim().replace(",", ".");
  return trimmed === "" ? undefined : Number(trimmed);
}

/** The field has the time of this place, the wire has UTC. */
function momentIn(text: string): string | undefined {
  const moment = new Date(text);
  return text === "" || Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

const given = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [name]: value } as Record<K, V>);

/** As the server counts: code points. */
const lengthOf = (text: string): number => [...text.trim()].length;
