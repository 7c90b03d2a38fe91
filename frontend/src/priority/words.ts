/** What the ranking says: names for people, numbers as people read them. */
import type { AiSkipped, Category, RequesterRole, Rules, ScoringModel, UrgencyLevel } from "./types";

export const CATEGORY: Record<Category, string> = {
  SECURITY: "Security",
  INFRASTRUCTURE: "Infrastructure",
  MEETING_PREP: "Meeting preparation",
  SUPPORT: "Support",
  COMPLIANCE: "Compliance",
  DEVELOPMENT: "Development",
  MAINTENANCE: "Maintenance",
  TRAINING: "Training",
};

export const ROLE: Record<RequesterRole, string> = {
  CEO: "CEO",
  CFO: "CFO",
  CTO: "CTO",
  MANAGER: "Manager",
  IT_ADMIN: "IT admin",
  CLIENT: "Client",
  DEVELOPER: "Developer",
  EMPLOYEE: "Employee",
};

export const LEVEL: Record<UrgencyLevel, string> = {
  CRITICAL: "Critical",
  HIGH: "High",
  MEDIUM: "Medium",
  LOW: "Low",
};

export const MODEL: Record<ScoringModel, string> = {
  weighted: "Weighted factors",
  wsjf: "WSJF: cost of delay by size",
  rice: "RICE: reach and impact by effort",
  eisenhower: "Eisenhower: urgent, important",
};

const FACTOR: Record<string, string> = {
  urgency: "Urgency",
  business_impact: "Business impact",
  risk: "Risk",
  role_weight: "Who asks",
  time_sensitivity: "Time",
  effort_complexity: "Effort",
  reach: "Reach",
  impact: "Impact",
  confidence: "Confidence",
  effort: "Effort",
  ordinary_job: "An ordinary job",
  quadrant: "Its quadrant",
};

const ORIGIN: Record<string, string> = {
  given: "given",
  llm: "guessed by a language model",
  default: "usual for the category",
  derived: "worked out from others",
};

const SKIPPED: Record<AiSkipped, string> = {
  disabled: "No language model was asked.",
  not_needed: "Everything was given, so no language model was asked.",
  no_model: "No language model is set up.",
  sensitive_content: "It looked confidential, so no language model saw it.",
  breaker_open: "The language model is being left alone after too many faults.",
  timeout: "The language model took too long.",
  provider_error: "The language model did not answer.",
  invalid_output: "The language model said something that makes no sense.",
};

/** A newer server may know factors that this page does not. */
export const factorInWords = (name: string): string => FACTOR[name] ?? capital(name.replaceAll("_", " "));
export const originInWords = (origin: string): string => ORIGIN[origin] ?? origin;
export const skippedInWords = (why: AiSkipped): string => SKIPPED[why] ?? "No language model helped.";

/** `8.47`; two places are as much as anybody compares. */
export const score = (value: number): string => value.toFixed(2);

/** With its sign, and a minus that is as wide as the plus. */
export function points(value: number): string {
  const rounded = value.toFixed(1);
  if (Number(rounded) === 0) return "0.0";
  return value < 0 ? `−${rounded.slice(1)}` : `+${rounded}`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** `18 min`, `2.8 h`, `3 days`. */
export function hours(count: number): string {
  if (count < 1) return `${Math.max(1, Math.round(count * 60))} min`;
  if (count < 48) return `${trimmed(count)} h`;
  return `${trimmed(count / 24)} days`;
}

/** By when it should be done, as the server reckons it. */
export function slaHours({ levels, categories }: Rules, level: UrgencyLevel, category: Category): number | undefined {
  const found = levels.find((each) => each.level === level);
  return found && found.sla_hours * (categories[category]?.sla_multiplier ?? 1);
}

/** How far a task would move: `up 2 places`. */
export function move(change: number): string {
  if (change === 0) return "stays";
  const places = Math.abs(change) === 1 ? "1 place" : `${Math.abs(change)} places`;
  return `${change > 0 ? "up" : "down"} ${places}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const trimmed = (value: number): string => value.toFixed(1).replace(/\.0$/, "");
