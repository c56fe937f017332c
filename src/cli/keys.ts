import { UsageError } from '../errors.ts';
import { createKey, listKeys, revokeKey, type KeyRole, type KeyView } from '../merchants/index.ts';
import { exitCode } from './exit-code.ts';
import { print, printJson, remark, type CommandIo } from './io.ts';
import { readAll } from './read-all.ts';
import { formatTable } from './table.ts';
import { requireMerchant, withCore } from './with-core.ts';

type Options = { readonly merchant: string; readonly json: boolean };

/** `onhand keys create`: a new API key, shown this once. */
export async function keysCreate(
  io: CommandIo,
  options: Options & { readonly name: string; readonly role: KeyRole },
): Promise<number> {
  return await withCore(io, async (core) => {
    await requireMerchant(core, options.merchant);
    const { merchant: merchantId, name, role } = options;
    const made = await createKey(core.db, { merchantId, name, role });
    if (options.json) printJson(io, made);
    else {
      print(io, made.key);
      remark(io, `${made.keyId}: shown this once; only its hash is kept`);
    }
    return exitCode.ok;
  });
}

/** `onhand keys list`: the keys in force, without their secret. */
export async function keysList(io: CommandIo, options: Options): Promise<number> {
  return await withCore(io, async (core) => {
    const { merchant } = options;
    await requireMerchant(core, merchant);
    const keys = await readAll<KeyView, string>((page) => listKeys(core.db, merchant, page));
    if (options.json) printJson(io, keys);
    else {
      const table = formatTable(keys, [
        ['key id', (key) => key.keyId],
        ['name', (key) => key.name],
        ['role', (key) => key.role],
        ['created', (key) => key.createdAt],
      ]);
      print(io, keys.length === 0 ? 'no keys' : table);
    }
    return exitCode.ok;
  });
}

/** `onhand keys revoke`: ends a key at once. */
export async function keysRevoke(io: CommandIo, keyId: string, options: Options): Promise<number> {
  return await withCore(io, async ({ db }) => {
    const isRevoked = await revokeKey(db, options.merchant, keyId);
    if (!isRevoked) {
      throw new UsageError(`The merchant "${options.merchant}" has no key ${keyId} in force.`);
    }
    if (options.json) printJson(io, { keyId, revoked: true });
    else print(io, `${keyId} is revoked`);
    return exitCode.ok;
  });
}
