import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.ts';

const folder = new URL('../results/', import.meta.url);

/** Writes what was found to `bench/results/{kind}.json` and returns the file's path. */
export async function writeResultFile(report: Report): Promise<string> {
  const path = fileURLToPath(new URL(`${report.kind}.json`, folder));
  await mkdir(folder, { recursive: true });
  await writeFile(path, await format(JSON.stringify(report, roundNumbers, 2)));
  return path;
}

/** Six digits are more than the noise leaves. */
function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(6))
    : value;
}

/** As the house formats its files, where the formatter is installed. */
async function format(json: string): Promise<string> {
  try {
    const prettier = await import('prettier');
    return await prettier.format(json, { parser: 'json', printWidth: 100 });
  } catch {
    return `${json}\n`;
  }
}
