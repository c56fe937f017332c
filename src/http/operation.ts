import { z } from '@hono/zod-openapi';
import { ok, refused, type Refusal, type Result } from '../errors.ts';
import type { Call, Caller, SignedRequest } from './context.ts';
import type { Reply } from './reply.ts';
import { invalid } from './request-text.ts';

type Shape = Readonly<Record<string, z.ZodType>>;
type NoShape = Record<string, never>;
type Values<S extends Shape> = { [Key in keyof S]: z.output<S[Key]> };

export type ResponseContract = {
  readonly description: string;
  /** Absent: no body. */
  readonly schema?: z.ZodType;
  /** `application/json` when absent. */
  readonly contentType?: string;
  /** A text that is answered instead where `Accept` asks for it. */
  readonly textType?: string;
};

/** Who may call: anyone, any key, a key that manages its merchant's keys, the admin key. */
export type Access = 'open' | 'member' | 'admin' | 'root';

/** What an operation promises, as the API's description says it. */
export type Contract = {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** Whom a request without a key speaks for whose body is signed. Refusals: AUTH.INVALID. */
  readonly identifySigner?: (request: SignedRequest) => Promise<Caller | Refusal>;
  /** Changes something: shed when too much is waiting. */
  readonly changes?: boolean;
  /**
   * What `Idempotency-Key` does: `command` is remembered with the change of stock itself, `claim`
   * around the whole request, `secret-claim` too, and its answer is stored encrypted.
   */
  readonly idempotency?: 'command' | 'claim' | 'secret-claim';
  readonly takesIfMatch?: boolean;
  /** What the API's description says of the body where the schema that checks it says less. */
  readonly bodyAsDescribed?: z.ZodType;
  /** Content types besides application/json. */
  readonly bodyTypes?: readonly string[];
  /** No body is the same as `{}`. */
  readonly bodyOptional?: boolean;
  readonly responses: Readonly<Record<number, ResponseContract>>;
  /** Codes it can refuse with, besides those that every operation can. */
  readonly refusals?: readonly string[];
};

type Spec<P extends Shape, Q extends Shape, B extends z.ZodType> = Contract & {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (call: Call<Values<P>, Values<Q>, z.output<B>>) => Promise<Reply> | Reply;
  /** Another name to claim the caller's key by; undefined: nothing to remember. */
  readonly claimKey?: (
    key: string,
    call: Call<Values<P>, Values<Q>, z.output<B>>,
  ) => string | undefined;
};

/** A call whose parts were read but not yet compared with the contract. */
export type RawCall = Call<Record<string, string>, Record<string, string>, unknown>;

/** A call that keeps to the contract; `perform` does the work. */
export type CheckedCall = {
  /** The body with its defaults, for the fingerprint of the request. */
  readonly body: unknown;
  readonly query: unknown;
  /** What the request is remembered by, where it is. */
  readonly claimKey: string | undefined;
  readonly perform: () => Promise<Reply> | Reply;
};

/** An operation as the server and the API's description use it. */
export type Operation = Contract & {
  readonly shapes: {
    readonly params: Shape | undefined;
    readonly query: Shape | undefined;
    readonly body: z.ZodType | undefined;
  };
  /** Compares a call with the contract. Refusals: REQUEST.INVALID. */
  check(call: RawCall): CheckedCall | (Refusal & { readonly perform?: undefined });
};

/** Declares an operation: its contract and what it does, in one place. */
export function defineOperation<
  const P extends Shape = NoShape,
  const Q extends Shape = NoShape,
  const B extends z.ZodType = z.ZodUndefined,
>(spec: Spec<P, Q, B>): Operation {
  const params = spec.params === undefined ? undefined : z.object(spec.params);
  const query = spec.query === undefined ? undefined : z.object(spec.query);
  const { body, handle, claimKey } = spec;
  return {
    ...spec,
    shapes: { params: spec.params, query: spec.query, body },
    check(call) {
      const errors: Problem[] = [];
      // What a schema of these shapes gives is what the handler of the same spec takes.
      const checked = {
        ...call,
        params: parse(params, call.params, errors),
        query: parse(query, call.query, errors),
        body: parse(body, call.body, errors),
      } as Call<Values<P>, Values<Q>, z.output<B>>;
      if (errors.length > 0) return invalid(errors);
      const key = call.idempotencyKey;
      return {
        body: checked.body,
        query: checked.query,
        claimKey: key === undefined || claimKey === undefined ? key : claimKey(key, checked),
        perform: () => handle(checked),
      };
    },
  };
}

type Problem = { readonly path: string; readonly message: string };

/** So many mistakes are named at most: a body of thousands of lines can have as many. */
const mostErrors = 100;

function parse(schema: z.ZodType | undefined, value: unknown, errors: Problem[]): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) errors.push(...problemsOf(issue));
  errors.splice(mostErrors);
  return undefined;
}

/** Checks a part of a body whose schema depends on the rest. Refusals: REQUEST.INVALID. */
export function checkPart<T>(schema: z.ZodType<T>, value: unknown, path: string): Result<T> {
  const result = schema.safeParse(value);
  if (result.success) return ok(result.data);
  const errors = result.error.issues.flatMap((issue) => problemsOf(issue, [path]));
  return refused(invalid(errors.slice(0, mostErrors)));
}

/** An unknown field is named by its own path. */
function problemsOf(issue: z.core.$ZodIssue, within: readonly string[] = []): Problem[] {
  const path = [...within, ...issue.path.map(String)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'Unknown field' }));
  }
  return [{ path: path.join('.'), message: issue.message }];
}
