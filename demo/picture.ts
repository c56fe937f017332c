import type { Api } from './api.ts';
import type { RunningVendor } from './run-vendors.ts';
import { shelf } from './shelf.ts';

export type LevelPicture = {
  readonly storeId: string;
  readonly sku: string;
  readonly onHand: number;
  readonly available: number;
  readonly version: number;
  readonly updatedAt: string;
};

type Listing = {
  readonly sku: string;
  readonly publishedVersion: number;
  readonly publishedAt: string | null;
  readonly state: string;
};

export type ShownPicture = {
  /** What the vendor's server has, as its buyers see it. */
  readonly quantity: number | null;
  /** Whether that is what we have to sell. */
  readonly isRight: boolean;
  /** The vendor takes no more changes of it for now, by a rule of its own. */
  readonly isWaiting: boolean;
  /**
   * From the newest change to its publication, or until now where it is on its way; null: it is
   * older than this run.
   */
  readonly lagMs: number | null;
  readonly version: number;
};

export type VendorPicture = {
  readonly kind: string;
  readonly storeId: string;
  readonly status: string;
  readonly circuit: string;
  readonly shown: ReadonlyMap<string, ShownPicture>;
  /** SKUs of which it shows another figure than ours. */
  readonly wrong: readonly string[];
  /** Those of them that it takes no more changes of for now. */
  readonly waiting: readonly string[];
};

/** Stock, and what each vendor shows of it, at one moment. */
export type Picture = {
  /** By `storeId sku`. */
  readonly levels: ReadonlyMap<string, LevelPicture>;
  readonly vendors: readonly VendorPicture[];
};

/** Looks at the service through its API, and at the vendors themselves. */
export async function takePicture(api: Api, vendors: readonly RunningVendor[]): Promise<Picture> {
  const { items } = await api.need<{ items: LevelPicture[] }>('GET', '/api/stock?limit=1000');
  const levels = new Map(items.map((level) => [`${level.storeId} ${level.sku}`, level]));
  const pictures = vendors.map((vendor) => pictureOf(api, vendor, levels));
  return { levels, vendors: await Promise.all(pictures) };
}

async function pictureOf(
  api: Api,
  vendor: RunningVendor,
  levels: Picture['levels'],
): Promise<VendorPicture> {
  const { kind, storeId } = vendor;
  const path = `/api/channels/${kind}`;
  const [channel, { items }] = await Promise.all([
    api.need<{ status: string; state: { circuit: string } | null }>('GET', path),
    api.need<{ items: Listing[] }>('GET', `${path}/listings?limit=1000`),
  ]);
  const listings = new Map(items.map((listing) => [listing.sku, listing]));
  const shown = new Map(
    shelf.flatMap(({ sku }) => {
      const level = levels.get(`${storeId} ${sku}`);
      const listing = listings.get(sku);
      if (level === undefined || listing === undefined) return [];
      return [[sku, shownOf(vendor, level, listing)] as const];
    }),
  );
  const wrong = shelf.flatMap(({ sku }) => (shown.get(sku)?.isRight === true ? [] : sku));
  return {
    kind,
    storeId,
    status: channel.status,
    circuit: channel.state?.circuit ?? 'closed',
    shown,
    wrong,
    waiting: wrong.filter((sku) => shown.get(sku)?.isWaiting),
  };
}

function shownOf(vendor: RunningVendor, level: LevelPicture, listing: Listing): ShownPicture {
  const { sku, version, available } = level;
  const quantity = vendor.shown(sku);
  const isPublished = listing.publishedVersion >= version && listing.publishedAt !== null;
  const until = isPublished ? Date.parse(listing.publishedAt) : Date.now();
  const since = Date.parse(level.updatedAt);
  return {
    quantity,
    isRight: quantity === Math.max(available, 0),
    isWaiting: listing.state === 'waiting',
    lagMs: since < vendor.startedAt ? null : Math.max(until - since, 0),
    version,
  };
}

/**
 * Whether every order that was told of is in stock, and every vendor shows what is left, as far as
 * it takes changes.
 */
export async function isSettled(api: Api, vendors: readonly RunningVendor[]): Promise<boolean> {
  const inbox = await api.need<{ items: unknown[] }>('GET', '/api/inbox?status=waiting&limit=1');
  if (inbox.items.length > 0) return false;
  const picture = await takePicture(api, vendors);
  return picture.vendors.every(({ wrong, waiting }) => wrong.length === waiting.length);
}
