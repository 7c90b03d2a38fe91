// Generated from asyncapi.yaml by `make spec`; edit the code.

/** Please make a meme of this prompt. */
export interface MemeRequest {
  /** Names the request and its answer; the same id twice gives one answer. Missing: the `Nats-Msg-Id` header stands in, else JetStream gives it one; matches `^[A-Za-z0-9_-]{1,64}$` */
  id?: string | null;
  /** What the meme is about; `top | bottom` sets both captions; 1 to 500 characters */
  prompt: string;
  /** Fewer inference steps; default `false` */
  fast_mode?: boolean;
  /** 512 instead of 1024 pixels wide and high; default `false` */
  small_image?: boolean;
  /** How closely to follow the prompt; 0 to 50 */
  guidance_scale?: number | null;
  /** Diffusion steps; 1 to 150 */
  num_inference_steps?: number | null;
  /** What should not be seen; at most 500 characters */
  negative_prompt?: string | null;
  /** Same seed, same picture; 0 to 9223372036854775807 */
  seed?: number | null;
  /** Another model of the same provider, `owner/name`; matches `^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$`; at most 120 characters */
  model?: string | null;
  /** Text above; drawn by us, not by the model; at most 200 characters */
  caption_top?: string | null;
  /** Text below; at most 200 characters */
  caption_bottom?: string | null;
  /** Who asks; for logs; matches `^[A-Za-z0-9_-]{1,64}$` */
  client_id?: string | null;
}

/** Stop this request; the id is in the subject, the body may be empty. */
export type MemeCancel = Record<string, never>;

/** The answer with the picture. One of this and `MemeError` ends every request, exactly once. */
export interface MemeResponse {
  /** The id of the request */
  request_id: string;
  /** The prompt that was drawn */
  prompt: string;
  /** Media type of the image */
  content_type: string;
  /** Pixels */
  width: number;
  /** Pixels */
  height: number;
  /** SHA-256 of the image bytes, hexadecimal */
  sha256: string;
  /** Path on the gateway, `/images/{sha256}.webp`; the picture behind it never changes */
  image_url: string;
  /** It had been made before this request */
  cached: boolean;
  /** An identical request was in work; this one shares its picture */
  coalesced: boolean;
  /** Who drew it */
  provider: string;
  /** The provider's model */
  model: string;
  /** Milliseconds from taking the request to the finished picture */
  duration_ms: number;
  /** The image, base64 */
  image_data: string;
  /** Unix seconds */
  timestamp: number;
  /** ISO 8601 */
  created_at: string;
}

/** The answer when there is no picture. */
export interface MemeError {
  /** The id of the request */
  request_id: string;
  /** What happened, in words */
  error: string;
  /** What happened, for programs */
  code: ErrorCode;
  /** Whether the same request may succeed later, under a new id */
  retryable: boolean;
  /** Unix seconds */
  timestamp: number;
  /** ISO 8601 */
  created_at: string;
}

export type ErrorCode =
  | "invalid_request"
  | "payload_too_large"
  | "rate_limited"
  | "provider_auth"
  | "provider_quota"
  | "model_unavailable"
  | "provider_unavailable"
  | "timeout"
  | "nsfw"
  | "cancelled"
  | "dead_lettered"
  | "internal";

/** A meme is there: everything about it but its bytes. */
export interface MemeCreated {
  /** The id of the request */
  request_id: string;
  /** The prompt that was drawn */
  prompt: string;
  /** Media type of the image */
  content_type: string;
  /** Pixels */
  width: number;
  /** Pixels */
  height: number;
  /** SHA-256 of the image bytes, hexadecimal */
  sha256: string;
  /** Path on the gateway, `/images/{sha256}.webp`; the picture behind it never changes */
  image_url: string;
  /** It had been made before this request */
  cached: boolean;
  /** An identical request was in work; this one shares its picture */
  coalesced: boolean;
  /** Who drew it */
  provider: string;
  /** The provider's model */
  model: string;
  /** Milliseconds from taking the request to the finished picture */
  duration_ms: number;
  /** Unix seconds */
  timestamp: number;
  /** ISO 8601 */
  created_at: string;
}

/** Where a request stands. Best effort: the answer is what counts. */
export interface MemeStatus {
  /** The id of the request */
  request_id: string;
  /** The last three are final */
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** Which worker says so */
  worker: string;
  /** About how many requests wait, this one included */
  position?: number;
  /** Unix seconds */
  timestamp: number;
  /** ISO 8601 */
  created_at: string;
}

/** A message of a session that wants an answer. */
export interface WorkflowRequest {
  /** Names the message and its answer; the same id twice gives one answer. Missing: the `Nats-Msg-Id` header stands in, else JetStream gives it one; matches `^[A-Za-z0-9_-]{1,64}$` */
  message_id?: string | null;
  /** Who hears the answer: the clients of this session; matches `^[A-Za-z0-9_-]{1,64}$` */
  session_id: string;
  /** Who asks; at most 128 characters */
  user_id?: string | null;
  /** What is said; 1 to 100000 characters */
  message: string;
  /** How to answer */
  context?: WorkflowContext;
  /** When it was said; missing: now */
  timestamp?: string;
  /** Appears in every log line about the message, and on every chunk of its answer; matches `^[!-~]*$`; at most 128 characters */
  correlation_id?: string | null;
}

/** How to answer. Provider and model are chosen from what the server allows. */
export interface WorkflowContext {
  /** Missing: the server's default */
  ai_provider?: TextProvider | null;
  /** Missing: the provider's default; 1 to 128 characters */
  model?: string | null;
  /** How freely the model chooses its words; 0 to 2 */
  temperature?: number | null;
  /** Longest answer, in tokens; at most 1000000; more than 0 */
  max_tokens?: number | null;
  /** What the model is told ahead of the conversation; at most 100000 characters */
  system_prompt?: string | null;
  /** The previous messages, oldest first. Missing: what the server remembers of the session; at most 200 entries */
  conversation_history?: Array<HistoryEntry> | null;
}

export type TextProvider = "openai" | "anthropic" | "custom" | "local";

/** One entry of a conversation that a client brings along. */
export interface HistoryEntry {
  /** Who said it */
  role: Role;
  /** What was said; at most 100000 characters */
  content: string;
}

export type Role = "system" | "user" | "assistant";

/** Stop the answer to this message; without one, whatever the session is being told. */
export interface WorkflowCancel {
  /** The session, as the subject says it; matches `^[A-Za-z0-9_-]{1,64}$` */
  session_id?: string | null;
  /** The message whose answer is to stop; matches `^[A-Za-z0-9_-]{1,64}$` */
  message_id?: string | null;
}

/** A piece of an answer. `chunk_id` counts from 0 per message; exactly one chunk is final. */
export interface ResponseChunk {
  /** The session that is answered; matches `^[A-Za-z0-9_-]{1,64}$` */
  session_id: string;
  /** The message that is answered; matches `^[A-Za-z0-9_-]{1,64}$` */
  message_id: string;
  /** Its place in the answer; at least 0 */
  chunk_id: number;
  /** Text that continues the answer */
  chunk: string;
  /** `content` is text; the last chunk is `metadata`, or `system` when the answer was stopped, or `error` */
  chunk_type: ChunkType;
  /** Whether this is the last chunk of the answer */
  is_final: boolean;
  /** What there is to know beside the text */
  metadata?: ChunkMetadata;
  /** Why there is no (more) answer */
  error?: ChunkError;
  /** That of the message */
  correlation_id?: string;
  /** When it was made */
  timestamp: string;
}

export type ChunkType = "content" | "metadata" | "error" | "system";

/** What there is to know about an answer beside its text; complete on the last chunk. */
export interface ChunkMetadata {
  /** The model that answers */
  model?: string;
  /** Who runs it */
  provider?: string;
  /** Tokens of the answer */
  tokens_used?: number;
  /** Tokens of what the model read */
  prompt_tokens?: number;
  /** How the answer ended; on the last chunk only */
  finish_reason?: FinishReason;
}

export type FinishReason = "stop" | "length" | "error" | "cancelled";

/** Why there is no (more) answer. */
export interface ChunkError {
  /** Why, for programs */
  code: string;
  /** Why, for people */
  message: string;
}

/** Several chunks of one answer in one message, in order. */
export interface ChunkBatch {
  /** The session that is answered; matches `^[A-Za-z0-9_-]{1,64}$` */
  session_id: string;
  /** The chunks, in order; 1 to 1000 entries */
  chunks: Array<ResponseChunk>;
}

/** Asks how a pod is. Nothing in it matters, and there may be nothing in it. */
export type HealthRequest = Record<string, never>;

/** How a pod is. */
export interface HealthResponse {
  /** Which pod */
  pod_id: string;
  /** `stopping`: about to leave, its clients connect to another one */
  status: "healthy" | "stopping";
  /** SSE connections it holds; at least 0 */
  active_connections: number;
  /** When it said so */
  timestamp: string;
}

/** A pod says that it lives, every ten seconds. */
export interface HeartbeatMessage {
  /** Which pod */
  pod_id: string;
  /** SSE connections it holds; at least 0 */
  active_connections: number;
  /** Resident memory; 1 MB is 1,048,576 bytes */
  memory_usage_mb: number;
  /** Processor time since the last heartbeat, of one core */
  cpu_usage_percent: number;
  /** When it said so */
  timestamp: string;
}

/** Please say how urgent this task is. */
export interface PriorityRequest {
  /** What it is about, in a line; 1 to 200 characters */
  title: string;
  /** What is known about it; at most 4000 characters; default `""` */
  description?: string;
  /** What kind of task it is; read in any case */
  category: Category;
  /** What the person is who asks; read in any case; default `"EMPLOYEE"` */
  requester_role?: RequesterRole;
  /** Who asks; changes no score; at most 120 characters */
  requester_name?: string | null;
  /** Names the user whose remembered role is used; 1 to 128 characters */
  requester_id?: string | null;
  /** Since when it waits, for ageing; missing: the time it arrived */
  created_at?: string | null;
  /** By when it has to be done */
  deadline?: string | null;
  /** The meeting it is needed for */
  meeting_time?: string | null;
  /** 1 (nice to have) to 10 (the business stops); 1 to 10 */
  business_value?: number | null;
  /** 1 (harmless) to 10 (catastrophic) if it is not done; 1 to 10 */
  risk_level?: number | null;
  /** Hours of work it will take; at most 10000; more than 0 */
  estimated_effort_hours?: number | null;
  /** Whether people can go on working meanwhile */
  workaround_available?: boolean | null;
  /** How many people it is about; 0 to 10000000000 */
  affected_users_count?: number | null;
  /** What else may matter to whoever works on it; at most 4000 characters */
  context?: string | null;
  /** Words to find it by; they change no score; at most 20 entries; default `[]` */
  tags?: Array<string>;
  /** Names the task and its result; the same id twice gives one result. Missing: the last token of `prioritization.request.{id}`, or the `Nats-Msg-Id` header, stands in; matches `^[A-Za-z0-9_-]{1,64}$` */
  id?: string | null;
  /** A changed task is asked about again as the next revision; 1 to 1000000; default `1` */
  revision?: number;
  /** How the score is made; missing: as configured */
  model?: ScoringModel | null;
  /** Whether a language model may fill missing factors; missing: as configured */
  use_ai?: boolean | null;
}

export type Category =
  | "SECURITY"
  | "INFRASTRUCTURE"
  | "MEETING_PREP"
  | "SUPPORT"
  | "COMPLIANCE"
  | "DEVELOPMENT"
  | "MAINTENANCE"
  | "TRAINING";

export type RequesterRole =
  | "CEO"
  | "CFO"
  | "CTO"
  | "MANAGER"
  | "IT_ADMIN"
  | "CLIENT"
  | "DEVELOPER"
  | "EMPLOYEE";

export type ScoringModel = "weighted" | "wsjf" | "rice" | "eisenhower";

/** Stop one revision of a task, whose id is in the subject. */
export interface PriorityCancel {
  /** The revision to stop; at least 1; default `1` */
  revision?: number;
}

/** How urgent a task is, and why. Stored once per revision. */
export interface PriorityResult {
  /** The id of the task */
  request_id: string;
  /** The revision that was scored */
  revision: number;
  /** The score as a word */
  urgency_level: UrgencyLevel;
  /** The score and the factors behind it */
  priority_metrics: PriorityMetrics;
  /** The score in words */
  reasoning: string;
  /** Share of the score that rests on given values; 0 to 1 */
  ai_confidence: number;
  /** By the service level of level and category; more than 0 */
  estimated_resolution_hours: number;
  /** Whether somebody should be told at once */
  escalation_required: boolean;
  /** What to do, by rule; see also PrioritySuggestions */
  suggestions: Array<string>;
  /** What each factor did to the score */
  contributions: Array<Contribution>;
  /** How the score was made */
  model: ScoringModel;
  /** Whether the same content had been scored before */
  cached: boolean;
  /** Why no language model filled the missing factors; missing: one did */
  ai_skipped?: AiSkipped;
  /** What was scored, so that it can be scored again later */
  task: PriorityTask;
  /** When it was scored */
  processed_at: string;
  /** Which worker scored it */
  worker?: string;
}

export type UrgencyLevel = "CRITICAL" | "HIGH" | "MEDIUM" | "LOW";

/** The factors behind a score, each from 0 to 10. */
export interface PriorityMetrics {
  /** Of time and risk together; 0 to 10 */
  urgency: number;
  /** Business value, and how many people it is about; 0 to 10 */
  business_impact: number;
  /** Risk level, by category; 0 to 10 */
  risk: number;
  /** Who asks; 0 to 10 */
  role_weight: number;
  /** How near meeting or deadline is; 0 to 10 */
  time_sensitivity: number;
  /** How much work it is; 0 to 10 */
  effort_complexity: number;
  /** What is ranked by; 0 to 10 */
  final_priority_score: number;
}

/** What one factor did to the score. */
export interface Contribution {
  /** Its name; those of a model are always the same */
  factor: string;
  /** What the task has of it */
  value: number;
  /** What it counts in this model */
  weight: number;
  /** value times weight; all points together are the score */
  points: number;
  /** Where the value is from: `llm` was guessed by a language model */
  origin: Origin;
}

export type Origin = "given" | "llm" | "default" | "derived";

export type AiSkipped =
  | "disabled"
  | "not_needed"
  | "no_model"
  | "sensitive_content"
  | "breaker_open"
  | "timeout"
  | "provider_error"
  | "invalid_output";

/** What is to be done, for whom, and by when. */
export interface PriorityTask {
  /** What it is about, in a line; 1 to 200 characters */
  title: string;
  /** What is known about it; at most 4000 characters */
  description: string;
  /** What kind of task it is; read in any case */
  category: Category;
  /** What the person is who asks; read in any case */
  requester_role: RequesterRole;
  /** Who asks; changes no score; at most 120 characters */
  requester_name?: string;
  /** Names the user whose remembered role is used; 1 to 128 characters */
  requester_id?: string;
  /** By when it has to be done */
  deadline?: string;
  /** The meeting it is needed for */
  meeting_time?: string;
  /** 1 (nice to have) to 10 (the business stops); 1 to 10 */
  business_value?: number;
  /** 1 (harmless) to 10 (catastrophic) if it is not done; 1 to 10 */
  risk_level?: number;
  /** Hours of work it will take; at most 10000; more than 0 */
  estimated_effort_hours?: number;
  /** Whether people can go on working meanwhile */
  workaround_available?: boolean;
  /** How many people it is about; 0 to 10000000000 */
  affected_users_count?: number;
  /** What else may matter to whoever works on it; at most 4000 characters */
  context?: string;
  /** Words to find it by; they change no score; at most 20 entries */
  tags: Array<string>;
  /** Since when it waits, for ageing; missing: the time it arrived */
  created_at?: string;
}

/** Why there is no score; stored in the result's place. */
export interface PriorityError {
  /** The id of the task; empty when none could be read */
  request_id: string;
  /** The revision that has no score */
  revision: number;
  /** What is wrong, for people */
  error: string;
  /** What is wrong, for programs */
  code: PriorityErrorCode;
  /** Whether the same task may succeed later, as the next revision */
  retryable: boolean;
  /** When it was given up */
  processed_at: string;
}

export type PriorityErrorCode = "invalid_request" | "cancelled" | "dead_lettered" | "id_conflict" | "internal";

/** What to do about it, written after the result; at most one per revision. */
export interface PrioritySuggestions {
  /** The id of the task */
  request_id: string;
  /** The revision they are about */
  revision: number;
  /** What to do, most helpful first; at most 5 entries */
  suggestions: Array<string>;
  /** Who wrote them */
  origin: "llm" | "rules";
  /** Whose language model it was */
  provider?: string;
  /** Which language model it was */
  model?: string;
  /** Why no language model wrote them */
  ai_skipped?: AiSkipped;
  /** When they were written */
  created_at: string;
}

/** Where one task stands. Best effort; what is stored counts. */
export interface PriorityStatus {
  /** The id of the task */
  request_id: string;
  /** The revision that is meant */
  revision: number;
  /** Where it stands */
  state: State;
  /** Which worker says so */
  worker?: string;
  /** When it was so */
  created_at: string;
}

export type State = "queued" | "processing" | "completed" | "failed" | "cancelled";

/** A human decision about a task; the last one counts, and the score stays as it was. */
export interface PriorityOverride {
  /** The id of the task */
  request_id: string;
  /** `set` level or score, `clear` what was set, `withdraw` the task from the ranking */
  action: "set" | "clear" | "withdraw";
  /** How urgent it really is */
  urgency_level?: UrgencyLevel;
  /** What it is ranked by instead of its score; 0 to 10 */
  final_priority_score?: number;
  /** Why, for whoever asks later; at most 500 characters */
  reason: string;
  /** Who decided; at most 120 characters */
  by: string;
  /** When it was decided */
  created_at: string;
}

/** A human decision as the audit trail keeps it. */
export interface PriorityAudit {
  /** The id of the task */
  request_id: string;
  /** `set` level or score, `clear` what was set, `withdraw` the task from the ranking */
  action: "set" | "clear" | "withdraw";
  /** How urgent it really is */
  urgency_level?: UrgencyLevel;
  /** What it is ranked by instead of its score; 0 to 10 */
  final_priority_score?: number;
  /** Why, for whoever asks later; at most 500 characters */
  reason: string;
  /** Who decided; at most 120 characters */
  by: string;
  /** The revision whose score it was about */
  revision: number;
  /** When it was written down */
  at: string;
  /** When it was decided */
  created_at: string;
}

/** What clients send, by subject. */
export interface Requests {
  "meme.request": MemeRequest;
  [subject: `meme.cancel.${string}`]: MemeCancel;
}

/** What clients hear, by subject. */
export interface Events {
  [subject: `answers.meme.${string}.${string}`]: MemeResponse | MemeError;
  "meme.response": MemeResponse;
  "meme.response.error": MemeError;
  "meme.created": MemeCreated;
  [subject: `meme.status.${string}`]: MemeStatus;
}

/** What services say to each other, by subject. */
export interface Messages {
  [subject: `chat.workflow.execute.${string}`]: WorkflowRequest;
  [subject: `chat.workflow.cancel.${string}`]: WorkflowCancel;
  [subject: `chat.pod.${string}.response`]: ResponseChunk | ChunkBatch;
  [subject: `chat.session.${string}.broadcast`]: ResponseChunk | ChunkBatch;
  [subject: `chat.stream.${string}.${string}`]: ResponseChunk | ChunkBatch;
  [subject: `chat.pod.${string}.health`]: HealthRequest;
  "chat.pods.health": HealthRequest;
  [subject: `chat.pod.${string}.heartbeat`]: HeartbeatMessage;
  [subject: `prioritization.request.${string}`]: PriorityRequest;
  "prioritization.request": PriorityRequest;
  [subject: `prioritization.cancel.${string}`]: PriorityCancel;
  "prioritization.sync": PriorityRequest;
  [subject: `prioritization.result.${string}`]: PriorityResult | PriorityError;
  "prioritization.result": PriorityResult | PriorityError;
  [subject: `prioritization.suggestions.${string}`]: PrioritySuggestions;
  [subject: `prioritization.status.${string}`]: PriorityStatus;
  [subject: `prioritization.override.${string}`]: PriorityOverride;
  [subject: `audit.priority.${string}`]: PriorityAudit;
}

/** What a request on a subject is replied to with. */
export interface Replies {
  [subject: `chat.pod.${string}.health`]: HealthResponse;
  "chat.pods.health": HealthResponse;
  "prioritization.sync": PriorityResult | PriorityError;
}
