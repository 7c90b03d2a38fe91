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

/** On `battle.command.new.create`: open a battle; the sender is its host. */
export interface BattleCreate {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
  /** The rules; those that are missing are ours */
  options?: Options;
}

/** The rules of one battle. Times are in seconds and are all stretched by `pace`. */
export interface Options {
  /** Rounds before the final; 1 to 10 */
  rounds: number;
  /** Time for a prompt; 5 to 600 */
  prompt_seconds: number;
  /** Longest wait for the last pictures; 1 to 600 */
  paint_seconds: number;
  /** Time to judge pairs; 5 to 600 */
  vote_seconds: number;
  /** How long a result stays on the screen; 1 to 120 */
  reveal_seconds: number;
  /** Time for each match of the final; 3 to 120 */
  duel_seconds: number;
  /** Pairs that one voter is asked about; 1 to 20 */
  votes_per_round: number;
  /** 1.5 or 2 for more time everywhere; 1 to 3 */
  pace: number;
  /** A knock-out among the four best memes at the end */
  final: boolean;
  /** `none`; `moderate`: coarse words are refused; `strict`: rude ones too */
  moderation: Moderation;
  /** The host lets every meme be shown, or not */
  approve: boolean;
  /** Seats; 2 to 1000 */
  max_players: number;
  /** Themes of your own, in order; else ours; at most 20 entries */
  themes: Array<string>;
}

export type Moderation = "none" | "moderate" | "strict";

/** On `...join`: take a seat, or come back to it. */
export interface BattleJoin {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
  /** What everybody reads; 1 to 24 characters */
  name: string;
  /** Which face; drawn by the page; 0 to 999; default `0` */
  avatar?: number;
}

/** On `...enter`: a prompt for this round; the last one before the whistle counts. */
export interface BattleEntry {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
  /** What the meme is about; `top | bottom` sets both captions; 1 to 200 characters */
  prompt: string;
  /** Which round it is for; refused in another one. Missing: the one that is on */
  round?: number | null;
}

/** On `...next`: which two memes should I judge? */
export interface BattleQuestion {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
}

/** On `...vote`: a choice between the two of a question, or of the duel that is on. */
export interface BattleVote {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
  /** Of the question; `duel` and its number in the final; matches `^[A-Za-z0-9_-]{1,64}$` */
  match: string;
  /** The entry that stood left; matches `^[A-Za-z0-9_-]{1,64}$` */
  left: string;
  /** The entry that stood right; matches `^[A-Za-z0-9_-]{1,64}$` */
  right: string;
  /** The better one, or none of them */
  choice: Choice;
  /** From the question; a duel needs none; at most 64 characters; default `""` */
  ticket?: string;
}

export type Choice = "left" | "right" | "skip";

/** On `...host`: what only the host may do. `seconds` for extend, `target` an entry or a seat. */
export interface BattleHost {
  /** What proves who acts; 128 random bits that only this device knows; matches `^[A-Za-z0-9_-]{16,64}$` */
  token: string;
  /** What to do */
  action: HostAction;
  /** For `extend`: how much more time; 5 to 300; default `30` */
  seconds?: number;
  /** For `hide` and `approve` an entry, for `kick` a seat; matches `^[A-Za-z0-9_-]{1,64}$` */
  target?: string | null;
  /** For `skip`: the deadline not to wait for; when it is another one, nothing is skipped */
  deadline?: number | null;
}

export type HostAction =
  | "start"
  | "pause"
  | "resume"
  | "skip"
  | "extend"
  | "hide"
  | "approve"
  | "kick"
  | "end";

/** On `battle.state`: how does it stand? With a token, also for me. */
export interface BattleLook {
  /** The code of the battle; matches `^[A-Za-z0-9_-]{1,64}$` */
  battle_id: string;
  /** With it the reply says how I stand, too; matches `^[A-Za-z0-9_-]{16,64}$` */
  token?: string | null;
  /** All players and memes too: for a screen; default `false` */
  whole?: boolean;
}

/** The reply to a command. Not ok: why, in words for people. */
export interface BattleReply {
  /** Whether it was done, and is stored */
  ok: boolean;
  /** Why not, for programs */
  code?: Code;
  /** Why not, for people */
  error?: string;
  /** The code of the battle */
  battle_id?: string;
  /** How it stands now */
  view?: BattleView;
  /** What only the sender may know */
  me?: SeatView;
  /** What to judge next */
  question?: QuestionView;
}

export type Code =
  | "unknown_battle"
  | "not_host"
  | "unknown_seat"
  | "full"
  | "not_now"
  | "refused_words"
  | "invalid"
  | "taken"
  | "too_fast"
  | "unavailable";

/** On `battle.view.{battle_id}`: the battle as everybody may see it. A smaller `sequence` is older. */
export interface BattleView {
  /** The code of the battle */
  battle_id: string;
  /** The last event that is in here; a view with a smaller one is older */
  sequence: number;
  /** What goes on */
  phase: Phase;
  /** From 1; 0 in the lobby */
  round: number;
  /** How many there are before the final */
  rounds: number;
  /** What this round is about */
  theme: string;
  /** Milliseconds since 1970, by the server's clock */
  deadline?: number;
  /** Milliseconds left while the clock is stopped */
  remaining?: number;
  /** The server's clock when this was made, to correct one's own */
  now: number;
  /** The rules, without the themes to come */
  options: Options;
  /** Phones: those who matter now */
  players: Array<PlayerView>;
  /** Phones: those that all look at now */
  entries: Array<EntryView>;
  /** The result; phones: its first three */
  board: Array<StandingView>;
  /** The final so far */
  duels: Array<DuelView>;
  /** How many matches the final has, once it has begun: 3 or 1 */
  matches: number;
  /** The meme of the battle, at the end */
  champion?: string;
  /** How many play */
  seats: number;
  /** How many prompts of this round are in */
  entered: number;
  /** How many of them have a picture, or never will */
  painted: number;
  /** Choices so far, of this round and the final */
  votes: number;
  /** Who has judged all they are asked, or has chosen in the duel */
  voters_done: number;
}

export type Phase =
  | "lobby"
  | "prompt"
  | "paint"
  | "vote"
  | "reveal"
  | "duel"
  | "verdict"
  | "finished";

/** A seat as everybody sees it. */
export interface PlayerView {
  /** Their seat; a hash that leads to no token */
  seat: string;
  /** What they are called here */
  name: string;
  /** Which face */
  avatar: number;
  /** Of all rounds; 500 for an average meme */
  points: number;
  /** By points, among those who are still in; equal points share one */
  rank: number;
  /** Whether a prompt of this round is in */
  has_entered: boolean;
  /** Sent out by the host */
  is_out: boolean;
}

/** A meme of this round. Its maker is named from the reveal on. */
export interface EntryView {
  /** Says nothing about its maker */
  id: string;
  /** Path on the gateway; absent while it is painted or hidden */
  image_url?: string;
  /** In a question, in the final, and from the reveal on */
  prompt?: string;
  /** Whose it is; from the reveal on */
  seat?: string;
  /** For the host's approval; not for the audience yet */
  is_waiting: boolean;
  /** Why there is no picture */
  error?: string;
}

/** A line of a round's result. */
export interface StandingView {
  /** Which meme */
  entry: string;
  /** 1 is best; equal records share one */
  rank: number;
  /** Of 1000 matches against an average meme, how many it should win */
  points: number;
  /** Choices for it */
  wins: number;
  /** Choices it was part of, without those that were skipped */
  games: number;
  /** Somebody else has the same rank */
  is_tied: boolean;
  /** Too close to the next better one to be called */
  is_close: boolean;
}

/** A match of the final. Votes are told when it has ended. */
export interface DuelView {
  /** 1 and 2 are the semi-finals of four; the last one is the final */
  number: number;
  /** An entry */
  left: string;
  /** The other one */
  right: string;
  /** Which entry has won */
  winner?: string;
  /** As many choices for either: the better seeded won */
  is_tie: boolean;
  /** When it has ended */
  votes_left?: number;
  /** When it has ended */
  votes_right?: number;
}

/** What only one seat may know: in replies, never on a shared subject. */
export interface SeatView {
  /** The seat that the token opens */
  seat: string;
  /** What everybody reads; empty for who has not joined */
  name: string;
  /** Which face */
  avatar: number;
  /** Whether this battle is theirs */
  is_host: boolean;
  /** Whether they have a seat and were not sent out */
  is_player: boolean;
  /** Their entry of this round */
  entry?: string;
  /** Its request, to follow on `meme.status.{request_id}` */
  request_id?: string;
  /** Its prompt */
  prompt?: string;
  /** Their choices in this round */
  votes_cast: number;
  /** In the duel that is on */
  has_chosen: boolean;
  /** One of the two memes of that duel is theirs */
  is_on_stage: boolean;
  /** Their line of this round's result */
  standing?: StandingView;
  /** Of all rounds */
  points: number;
  /** Their place by points */
  rank: number;
}

/** Two memes to choose from. */
export interface QuestionView {
  /** Names the pair; for the choice */
  match: string;
  /** Its picture and its prompt */
  left: EntryView;
  /** Its picture and its prompt */
  right: EntryView;
  /** Proves that this pair was asked about; for the choice */
  ticket: string;
  /** The how manieth question of this round */
  number: number;
  /** How many there are at most */
  of: number;
}

/** Somebody opened a battle. `salt` makes the public names of entries unguessable. */
export interface Created {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "created";
  /** The seat of the host; matches `^[A-Za-z0-9_-]{1,64}$` */
  host: string;
  /** Makes the names of entries unguessable; never told */
  salt: string;
  /** The rules */
  options: Options;
}

/** Somebody took a seat. */
export interface Joined {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "joined";
  /** Which seat; matches `^[A-Za-z0-9_-]{1,64}$` */
  seat: string;
  /** What they wish to be called; at most 24 characters */
  name: string;
  /** Which face; at least 0 */
  avatar: number;
}

/** A theme is up, prompts are wanted until `deadline`. */
export interface RoundStarted {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "round_started";
  /** Which round */
  round: number;
  /** What the round is about */
  theme: string;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** No more prompts; the last pictures may come until `deadline`. */
export interface PromptsClosed {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "prompts_closed";
  /** Which round */
  round: number;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** Pairs may be judged until `deadline`. */
export interface VotingStarted {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "voting_started";
  /** Which round */
  round: number;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** Who made what, and what the votes say; the game goes on at `deadline`. */
export interface RoundRevealed {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "round_revealed";
  /** Which round */
  round: number;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** Two memes of the final face each other; everybody but their makers chooses until `deadline`. */
export interface DuelStarted {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "duel_started";
  /** Which match of the final */
  duel: number;
  /** An entry */
  left: string;
  /** The other one */
  right: string;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** The choices are in; who won follows from them. The game goes on at `deadline`. */
export interface DuelEnded {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "duel_ended";
  /** Which match of the final */
  duel: number;
  /** Milliseconds since 1970 */
  deadline: number;
}

/** The podium. */
export interface Finished {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "finished";
}

/** The host stopped the clock. */
export interface Paused {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "paused";
}

/** And lets it run again, until `deadline`. */
export interface Resumed {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "resumed";
  /** Milliseconds since 1970 */
  deadline: number;
}

/** The host gave more time. */
export interface Extended {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "extended";
  /** Milliseconds since 1970 */
  deadline: number;
}

/** The host took an entry off the screen; it is out of the battle. */
export interface Hidden {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "hidden";
  /** Which entry */
  entry: string;
}

/** The host lets an entry be shown, where each needs to be. */
export interface Approved {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "approved";
  /** Which entry */
  entry: string;
}

/** The host sent somebody out, with what they made. */
export interface Kicked {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "kicked";
  /** Which seat; matches `^[A-Za-z0-9_-]{1,64}$` */
  seat: string;
}

/** A prompt for this round; a later one of the same seat replaces it while prompts are wanted. */
export interface Entered {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "entered";
  /** Which round */
  round: number;
  /** Whose; matches `^[A-Za-z0-9_-]{1,64}$` */
  seat: string;
  /** What the meme is about; at most 200 characters */
  prompt: string;
  /** The request for its picture; matches `^[A-Za-z0-9_-]{1,64}$` */
  request_id: string;
}

/** The picture of a request, or why there is none. */
export interface Painted {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "painted";
  /** Which request; matches `^[A-Za-z0-9_-]{1,64}$` */
  request_id: string;
  /** Where the picture is */
  image_url?: string;
  /** Why there is none */
  error?: string;
}

/** A choice between two entries, in a round or in a duel. */
export interface Voted {
  /** Milliseconds since 1970, by the clock of whoever recorded it */
  at: number;
  /** What happened */
  type: "voted";
  /** Who chose; matches `^[A-Za-z0-9_-]{1,64}$` */
  seat: string;
  /** The pair of a round, or the duel */
  match: string;
  /** An entry */
  left: string;
  /** The other one */
  right: string;
  /** The better one, or none of them */
  choice: Choice;
}

/** How the platform is. */
export interface MemeStats {
  /** Which gateway says so */
  gateway: string;
  /** Milliseconds since 1970, by the clock of that gateway */
  at: number;
  /** Requests that wait or are in work; null while nobody can say */
  lag: number | null;
  /** How many workers KEDA would have now: lag / lag_threshold, rounded up, at most max_replicas; null while the lag is unknown */
  wish: number | null;
  /** Requests that one more worker is worth */
  lag_threshold: number;
  /** More workers there will not be */
  max_replicas: number;
  /** Those that were heard in the last seconds */
  workers: Array<WorkerVitals>;
  /** Of all workers there ever were while a gateway listened */
  totals: Counters;
  /** Requests answered, over the last five seconds */
  per_second: number;
  /** From taking a request to its answer, over half a minute */
  p50_ms: number | null;
  /** The same, of the slowest one in twenty */
  p95_ms: number | null;
  /** Battles that go on */
  battles: number;
  /** Whether Redis answers that gateway in time */
  redis_up: boolean;
}

/** One worker in the engine room. */
export interface WorkerVitals {
  /** Its name, usually that of its host */
  worker_id: string;
  /** `new` for its first seconds, `leaving` from when it is stopped */
  state: WorkerState;
  /** Memes it has in work; of who draws none, what else it has */
  in_work: number;
  /** How many it takes at one time */
  slots: number;
  /** Seconds since it was started */
  age_s: number;
}

export type WorkerState = "new" | "idle" | "busy" | "leaving";

/** What happened to requests for memes. It only ever grows. */
export interface Counters {
  /** Requests answered, with a picture or without */
  answered: number;
  /** Tries that failed */
  errors: number;
  /** Pictures that had been made before */
  cache_hits: number;
  /** Pictures that had not */
  cache_misses: number;
  /** Copies of requests that nobody had to work on */
  duplicates: number;
  /** Requests that shared the picture of an identical one in work */
  coalesced: number;
  /** Times a provider was asked to draw */
  provider_calls: number;
}

/** A worker lives; every second, and at once when it comes and when it begins to leave. */
export interface WorkerHeartbeat {
  /** Its name, usually that of its host; matches `^[A-Za-z0-9_-]{1,64}$` */
  worker_id: string;
  /** What it serves */
  contexts: Array<string>;
  /** `new` for its first three seconds, `leaving` once it stops */
  state: WorkerState;
  /** What it works on now, in all its contexts */
  in_work: number;
  /** Memes it may work on at one time; who draws none, of what it does serve */
  slots: number;
  /** Unix seconds; tells it apart from an earlier one of its name */
  started_at: number;
  /** Since it was started */
  counters: Counters;
  /** From taking a request to its stored answer, of those answered since the last heartbeat; at most 100 entries */
  latencies_ms: Array<number>;
  /** Battles that go on and are known to it; at most 100 entries */
  battles: Array<string>;
}

/** What clients send, by subject. */
export interface Requests {
  "meme.request": MemeRequest;
  [subject: `meme.cancel.${string}`]: MemeCancel;
  [subject: `battle.command.${string}.create`]: BattleCreate;
  [subject: `battle.command.${string}.join`]: BattleJoin;
  [subject: `battle.command.${string}.enter`]: BattleEntry;
  [subject: `battle.command.${string}.next`]: BattleQuestion;
  [subject: `battle.command.${string}.vote`]: BattleVote;
  [subject: `battle.command.${string}.host`]: BattleHost;
  "battle.state": BattleLook;
}

/** What clients hear, by subject. */
export interface Events {
  [subject: `answers.meme.${string}.${string}`]: MemeResponse | MemeError;
  "meme.response": MemeResponse;
  "meme.response.error": MemeError;
  "meme.created": MemeCreated;
  [subject: `meme.status.${string}`]: MemeStatus;
  [subject: `battle.view.${string}`]: BattleView;
  [subject: `battle.stage.${string}`]: BattleView;
  "meme.stats": MemeStats;
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
  [subject: `battle.event.${string}.${string}.${string}`]: Created | Joined | RoundStarted | PromptsClosed | VotingStarted | RoundRevealed | DuelStarted | DuelEnded | Finished | Paused | Resumed | Extended | Hidden | Approved | Kicked | Entered | Painted | Voted;
  [subject: `worker.${string}.heartbeat`]: WorkerHeartbeat;
}

/** What a request on a subject is replied to with. */
export interface Replies {
  [subject: `chat.pod.${string}.health`]: HealthResponse;
  "chat.pods.health": HealthResponse;
  "prioritization.sync": PriorityResult | PriorityError;
  [subject: `battle.command.${string}.create`]: BattleReply;
  [subject: `battle.command.${string}.join`]: BattleReply;
  [subject: `battle.command.${string}.enter`]: BattleReply;
  [subject: `battle.command.${string}.next`]: BattleReply;
  [subject: `battle.command.${string}.vote`]: BattleReply;
  [subject: `battle.command.${string}.host`]: BattleReply;
  "battle.state": BattleReply;
}
