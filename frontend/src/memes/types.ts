/** The wire language of memes, as the worker and the gateway speak it. */

export interface MemeRequest {
  id: string;
  prompt: string;
  fast_mode?: boolean;
  small_image?: boolean;
  caption_top?: string;
  caption_bottom?: string;
}

export interface MemeCreated {
  request_id: string;
  prompt: string;
  content_type: string;
  width: number;
  height: number;
  sha256: string;
  image_url: string;
  cached: boolean;
  coalesced: boolean;
  provider: string;
  model: string;
  duration_ms: number;
  timestamp: number;
  created_at: string;
}

export interface MemeResponse extends MemeCreated {
  image_data: string;
}

export interface MemeError {
  request_id: string;
  error: string;
  code: string;
  retryable: boolean;
  timestamp: number;
  created_at: string;
}

export interface MemeStatus {
  request_id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  worker: string;
  position?: number;
}

export type Answer = MemeResponse | MemeError;

export const isError = (answer: Answer): answer is MemeError => "error" in answer;

/** What the gateway tells the page before it can connect. */
export interface PageConfig {
  websocket_url: string | null;
  request_subject: string;
  response_subject: string;
}

/** As the server counts: code points, not UTF-16 units. */
export const lengthOf = (text: string): number => [...text].length;

export const MAX_PROMPT = 500;
export const MAX_CAPTION = 200;
