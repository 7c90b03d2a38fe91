/** The wire of priority: messages are generated from the models, the shapes of REST are written after them. */
import type {
  AiSkipped,
  Category,
  Contribution,
  PriorityError,
  PriorityOverride,
  PriorityRequest,
  PriorityResult,
  PrioritySuggestions,
  RequesterRole,
  ScoringModel,
  State,
  UrgencyLevel,
} from "../../../asyncapi/types";

export type {
  AiSkipped,
  Category,
  Contribution,
  PriorityError,
  PriorityOverride,
  PriorityRequest,
  PriorityResult,
  PrioritySuggestions,
  RequesterRole,
  ScoringModel,
  State,
  UrgencyLevel,
};

export interface RankedTask {
  rank: number;
  request_id: string;
  revision: number;
  title: string;
  category: Category;
  requester_role: RequesterRole;
  urgency_level: UrgencyLevel;
  score: number;
  effective_score: number;
  waited_hours: number;
  overridden: boolean;
  escalation_required: boolean;
  contributions: readonly Contribution[];
}

export interface Ranking {
  total: number;
  truncated: boolean;
  items: readonly RankedTask[];
}

export interface TaskState {
  request_id: string;
  revision: number;
  state: State;
  urgency_level?: UrgencyLevel | null;
  final_priority_score?: number | null;
  result?: PriorityResult | null;
  error?: PriorityError | null;
  suggestions?: PrioritySuggestions | null;
  override?: PriorityOverride | null;
}

export interface Decision {
  action: "set" | "clear" | "withdraw";
  urgency_level?: UrgencyLevel;
  final_priority_score?: number;
  reason?: string;
  by?: string;
}

/** What became of one task of a batch. */
export interface Item {
  request_id?: string;
  status: "accepted" | "answered" | "refused";
  error?: { type: string; status: number; detail: string };
}

export const WEIGHTED = ["urgency", "business_impact", "risk", "role_weight", "time_sensitivity"] as const;
export type Weighted = (typeof WEIGHTED)[number];
export type Weights = Record<Weighted, number>;

export interface Simulated {
  index: number;
  request_id?: string | null;
  title: string;
  model: ScoringModel;
  rank: number;
  score: number;
  urgency_level: UrgencyLevel;
  escalation_required: boolean;
  contributions: readonly Contribution[];
  present_rank: number;
  present_score: number;
  rank_change: number;
}

/** The rules in use, as far as the page needs them. */
export interface Rules {
  model: ScoringModel;
  weights: Weights;
  levels: readonly { level: UrgencyLevel; from_score: number; sla_hours: number }[];
  categories: Readonly<Record<Category, { sla_multiplier: number }>>;
  ageing_per_day: number;
  max_batch: number;
}

export const CATEGORIES: readonly Category[] = [
  "SECURITY",
  "INFRASTRUCTURE",
  "MEETING_PREP",
  "SUPPORT",
  "COMPLIANCE",
  "DEVELOPMENT",
  "MAINTENANCE",
  "TRAINING",
];
export const ROLES: readonly RequesterRole[] = [
  "EMPLOYEE",
  "DEVELOPER",
  "CLIENT",
  "IT_ADMIN",
  "MANAGER",
  "CTO",
  "CFO",
  "CEO",
];
export const LEVELS: readonly UrgencyLevel[] = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];
export const MODELS: readonly ScoringModel[] = ["weighted", "wsjf", "rice", "eisenhower"];
