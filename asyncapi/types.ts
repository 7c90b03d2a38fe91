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
