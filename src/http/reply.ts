import type { Refusal } from '../errors.ts';

/** What a request is answered with, before it becomes an HTTP response. */
export type Answered = {
  readonly code?: undefined;
  readonly status: number;
  /** Ready to send; null for none. */
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  /** `application/json` when absent. */
  readonly contentType?: string | undefined;
  /** The version of the level that the body shows. */
  readonly version?: number | undefined;
  /** The first answer to this key, given again. */
  readonly replayed?: boolean | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** An answer or a refusal, which becomes a problem document. */
export type Reply = Answered | Refusal;

/** An answer with a JSON body. */
export function json(status: number, value: unknown): Answered {
  return { status, body: JSON.stringify(value) };
}

/** An answer without a body. */
export function empty(status: number): Answered {
  return { status, body: null };
}
