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
}

/** What a request on a subject is replied to with. */
export interface Replies {
  [subject: `chat.pod.${string}.health`]: HealthResponse;
  "chat.pods.health": HealthResponse;
}
