import { createHash } from 'node:crypto';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { ReadOptions } from '../source.ts';
import type { CsvConfig, CsvCredentials, CsvOptions } from './kind.ts';

export type LoadedFile = {
  readonly text: string;
  readonly digest: string;
  /** When it was written, as far as anybody says so. */
  readonly writtenAt: Date | undefined;
};

const mostBytes = 64 * 1024 * 1024;

/** Reads the whole file, up to 64 MB; a text says why it could not. */
export async function loadFile(
  config: CsvConfig,
  credentials: CsvCredentials,
  { http, feedFolder }: CsvOptions,
  { signal }: ReadOptions,
): Promise<LoadedFile | string> {
  if (config.path !== undefined)
    return await loadFromFolder(join(feedFolder, config.path), feedFolder);
  const answer = await http.request({
    method: 'GET',
    url: config.url ?? '',
    headers: {
      accept: 'text/csv, */*;q=0.1',
      'user-agent': 'onhand',
      ...(credentials === undefined ? {} : { authorization: `Bearer ${credentials.bearer}` }),
    },
    isUtf8: true,
    signal,
  });
  if (!answer.ok) return answer.code;
  if (answer.status !== 200) return `http_${answer.status}`;
  const modified = Date.parse(answer.headers['last-modified'] ?? '');
  return loaded(answer.text, Number.isNaN(modified) ? undefined : new Date(modified));
}

async function loadFromFolder(path: string, folder: string): Promise<LoadedFile | string> {
  try {
    // A link that leads out of the folder is a way to every file of this machine.
    const [file, root] = await Promise.all([realpath(path), realpath(folder)]);
    if (!file.startsWith(root + sep)) return 'file_outside_folder';
    const handle = await open(file);
    try {
      const { size, mtime } = await handle.stat();
      if (size > mostBytes) return 'file_too_large';
      const text = textOf(await handle.readFile());
      return text === undefined ? 'invalid_encoding' : loaded(text, mtime);
    } finally {
      await handle.close();
    }
  } catch {
    return 'file_unreadable';
  }
}

/** Undefined: the file is in another encoding, and would name SKUs that nobody has. */
function textOf(bytes: Buffer): string | undefined {
  try {
    // What a file is known by is all of it, its mark in front, too: the parser leaves that out.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function loaded(text: string, writtenAt: Date | undefined): LoadedFile {
  return { text, digest: createHash('sha256').update(text).digest('hex'), writtenAt };
}
