/** The wire language, generated from the same models the workers parse with, and what the page adds to it. */
import type { ErrorCode, MemeCreated, MemeError, MemeRequest, MemeResponse, MemeStatus } from "../../../asyncapi/types";

export type { ErrorCode, MemeCreated, MemeError, MemeResponse, MemeStatus };

/** What somebody wishes for; the page gives it an id. */
export type Wish = Omit<MemeRequest, "id">;
export type NamedRequest = Wish & { id: string };

export type Answer = MemeResponse | MemeError;

export const isError = (answer: Answer): answer is MemeError => "error" in answer;

/** What the gateway tells the page before it can connect. */
export interface PageConfig {
  websocket_url: string | null;
  request_subject: string;
  response_subject: string;
  /** What the workers of this platform serve; not said by an older gateway. */
  contexts?: readonly string[];
}

/** As the server counts: code points, not UTF-16 units. */
export const lengthOf = (text: string): number => [...text].length;

export const MAX_PROMPT = 500;
export const MAX_CAPTION = 200;
