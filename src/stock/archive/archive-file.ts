import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { entryColumns } from './entry-csv.ts';

/** What makes one archive file the same as another. */
export type FileFacts = {
  readonly entries: number;
  readonly bytes: number;
  /** Of the file, in hex. */
  readonly sha256: string;
  /** Of the text in it. */
  readonly csvSha256: string;
};

/** One entry of a file; null where there was nothing between the commas. */
export type ArchivedEntry = Readonly<Record<string, string | null>>;

/**
 * Writes compressed text to a file that is there whole or not at all, and safe on the disk.
 * @returns what was written, without the count of entries
 */
export async function writeArchiveFile(
  path: string,
  text: AsyncIterable<string>,
): Promise<Omit<FileFacts, 'entries'>> {
  const csv = createHash('sha256');
  const file = createHash('sha256');
  const sizes = { csv: 0, file: 0 };
  await pipeline(
    Readable.from(text, { objectMode: false }),
    passing(csv, (size) => (sizes.csv += size)),
    createGzip(),
    passing(file, (size) => (sizes.file += size)),
    createWriteStream(`${path}.part`, { flush: true, mode: 0o600 }),
  );
  await rename(`${path}.part`, path);
  await syncFolder(dirname(path));
  return { bytes: sizes.file, sha256: file.digest('hex'), csvSha256: csv.digest('hex') };
}

/** Reads a file to its end and passes its entries on. Rejects when it is no archive. */
export async function readArchiveFile(
  path: string,
  onEntry: (entry: ArchivedEntry) => Promise<void> | void = () => undefined,
): Promise<FileFacts> {
  const csv = createHash('sha256');
  const file = createHash('sha256');
  let bytes = 0;
  let entries = 0;
  await pipeline(
    createReadStream(path),
    passing(file, (size) => (bytes += size)),
    createGunzip(),
    passing(csv, () => undefined),
    parse({
      columns: (header: string[]) => {
        if (header.join() !== entryColumns.join()) throw new Error(`${path} is no ledger archive`);
        return header;
      },
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    }),
    async (records: AsyncIterable<ArchivedEntry>) => {
      for await (const entry of records) {
        entries += 1;
        await onEntry(entry);
      }
    },
  );
  return { entries, bytes, sha256: file.digest('hex'), csvSha256: csv.digest('hex') };
}

function passing(hash: Hash, onBytes: (size: number) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
}

/** A renamed file survives a power cut only when its folder was written too. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
