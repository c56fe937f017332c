import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { equalInConstantTime } from '../encryption.ts';
import { refuse, type Refusal } from '../errors.ts';
import { defaultMerchantId, findKeyHolder, merchantExists } from '../merchants/index.ts';
import type { KeyHolder, KeyRole } from '../merchants/index.ts';
import type { Caller, Services } from './context.ts';
import { headerText } from './request-text.ts';

/** How long a known key is trusted without asking: so soon all processes know of a revocation. */
const knownMs = 5_000;
/** An unknown key is asked for again soon, it may have been made meanwhile. */
const unknownMs = 500;
const mostKept = 10_000;

type Entry = {
  readonly expiresAt: number;
  /** Undefined while it is being asked for. */
  readonly holder: KeyHolder | null | undefined;
  readonly pending: Promise<KeyHolder | null>;
};

const missing = refuse('AUTH.MISSING', 'Send your key as "Authorization: Bearer <key>".');
const notValid = refuse('AUTH.INVALID', 'The key is unknown or was revoked.');
const otherMerchant = refuse('AUTH.FORBIDDEN', 'The key belongs to another merchant.');

/** Finds out whom requests speak for. */
export class Authenticator {
  readonly #services: Pick<Services, 'db' | 'adminKeyHash'>;
  /** By the key's hash; unknown keys apart, so that guessing cannot drive out the known ones. */
  readonly #known = new Map<string, Entry>();
  readonly #unknown = new Map<string, Entry>();
  readonly #merchants = new Set<string>([defaultMerchantId]);

  readonly #now: () => number;
  #revocations = 0;

  /** @param now ms of a clock that never goes back */
  constructor(
    services: Pick<Services, 'db' | 'adminKeyHash'>,
    now: () => number = () => performance.now(),
  ) {
    this.#services = services;
    this.#now = now;
  }

  /**
   * Whom the request speaks for. At once when the key was seen lately.
   * Refusals: AUTH.MISSING, AUTH.INVALID, AUTH.FORBIDDEN (another merchant's X-Merchant-Id),
   * MERCHANT.NOT_FOUND (the admin key's).
   */
  identify(headers: IncomingHttpHeaders): Caller | Refusal | Promise<Caller | Refusal> {
    const authorization = headers.authorization;
    if (authorization === undefined) return missing;
    const space = authorization.indexOf(' ');
    if (space !== 6 || authorization.slice(0, 6).toLowerCase() !== 'bearer') return missing;
    const key = authorization.slice(7).trim();
    if (key === '') return missing;
    const wanted = headers['x-merchant-id'];
    const holder = this.#find(key);
    return holder instanceof Promise
      ? holder.then((found) => this.#judge(found, wanted))
      : this.#judge(holder, wanted);
  }

  /** A key was revoked here: requests that come from now on find out. */
  forget(keyId: string): void {
    for (const [digest, { holder }] of this.#known) {
      if (holder?.keyId === keyId) this.#known.delete(digest);
    }
    // One that is just being asked for may have been there still when the database answered.
    this.#unknown.clear();
    this.#revocations += 1;
  }

  /** Whom a key speaks for, from what is remembered where possible; null when nobody. */
  #find(key: string): KeyHolder | null | Promise<KeyHolder | null> {
    const digest = hash('sha256', key, 'base64');
    const entry = this.#known.get(digest) ?? this.#unknown.get(digest);
    if (entry !== undefined && entry.expiresAt > this.#now()) {
      return entry.holder === undefined ? entry.pending : entry.holder;
    }
    const { adminKeyHash, db } = this.#services;
    if (adminKeyHash !== undefined) {
      if (equalInConstantTime(Buffer.from(digest, 'base64'), adminKeyHash)) {
        const holder: KeyHolder = { merchantId: defaultMerchantId, keyId: 'admin', role: 'root' };
        this.#keep(digest, { expiresAt: Infinity, holder, pending: Promise.resolve(holder) });
        return holder;
      }
    }
    // Where the environment names the admin key, it is the only one: so a stored one is ended.
    const isEnded = (role: KeyRole): boolean => adminKeyHash !== undefined && role === 'root';
    const pending = findKeyHolder(db, key).then((holder) =>
      holder === undefined || isEnded(holder.role) ? null : holder,
    );
    const revocations = this.#revocations;
    // Requests that come meanwhile share the question.
    this.#keep(digest, { expiresAt: this.#now() + unknownMs, holder: undefined, pending });
    return pending.then(
      (holder) => {
        if (revocations !== this.#revocations) return holder;
        const ms = holder === null ? unknownMs : knownMs;
        this.#keep(digest, { expiresAt: this.#now() + ms, holder, pending });
        return holder;
      },
      (error: unknown) => {
        this.#unknown.delete(digest);
        this.#known.delete(digest);
        throw error;
      },
    );
  }

  #keep(digest: string, entry: Entry): void {
    const known = entry.holder !== null && entry.holder !== undefined;
    const [kept, other] = known ? [this.#known, this.#unknown] : [this.#unknown, this.#known];
    other.delete(digest);
    kept.delete(digest);
    kept.set(digest, entry);
    if (kept.size <= mostKept) return;
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  }

  #judge(
    holder: KeyHolder | null,
    wanted: string | string[] | undefined,
  ): Caller | Refusal | Promise<Caller | Refusal> {
    if (holder === null) return notValid;
    if (wanted === undefined) return holder;
    const merchantId = headerText(String(wanted));
    if (holder.role !== 'root') return merchantId === holder.merchantId ? holder : otherMerchant;
    if (merchantId === holder.merchantId) return holder;
    const caller: Caller = { ...holder, merchantId };
    if (this.#merchants.has(merchantId)) return caller;
    return this.#askForMerchant(caller);
  }

  /** Merchants are never deleted, so that one which was there once needs no second question. */
  async #askForMerchant(caller: Caller): Promise<Caller | Refusal> {
    const { merchantId } = caller;
    if (!(await merchantExists(this.#services.db, merchantId))) {
      return refuse('MERCHANT.NOT_FOUND', 'There is no such merchant.', { merchantId });
    }
    if (this.#merchants.size < mostKept) this.#merchants.add(merchantId);
    return caller;
  }
}
