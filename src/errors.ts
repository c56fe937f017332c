/**
 * A named "no": the command was understood and cannot be done as things stand.
 * Refusals are values; faults (a lost database, a bug) are exceptions with a cause.
 */
export type Refusal = {
  /** `MODULE.CONDITION`, the only part that programs may rely on. */
  readonly code: string;
  /** One sentence for people. */
  readonly detail: string;
  /** The figures behind the refusal, part of the answer. */
  readonly data?: Readonly<Record<string, unknown>>;
};

/** Builds a refusal; `data` becomes members of the problem document. */
export function refuse(
  code: string,
  detail: string,
  data?: Readonly<Record<string, unknown>>,
): Refusal {
  return data === undefined ? { code, detail } : { code, detail, data };
}

/** Either a value or a refusal. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

/** The database cannot be reached or is going away: the caller may try again later. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super('the database cannot be reached', { cause });
    this.name = 'DatabaseUnavailable';
  }
}

/** The program was told something it cannot work with (settings, arguments): says what to do. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** SQLSTATE of an error that Postgres or the driver raised, if it has one. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
