import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { applyChange, type Change } from './control.ts';

/** The root of the project. */
export const root = join(import.meta.dirname, '../..');

export type ProjectCopy = { readonly path: string; remove(): Promise<void> };

const leftOut = new Set(['node_modules', '.git', '.onhand']);

/** A copy of the project in a temporary folder, with the changes made and the same packages. */
export async function copyProject(changes: readonly Change[]): Promise<ProjectCopy> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'onhand-control-'));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
  try {
    await cp(root, path, {
      recursive: true,
      filter: (from) => !leftOut.has(relative(root, from).split(sep)[0] ?? ''),
    });
    await symlink(await realpath(join(root, 'node_modules')), join(path, 'node_modules'), 'dir');
    for (const change of changes) {
      const file = join(path, change.file);
      await writeFile(file, applyChange(await readFile(file, 'utf8'), change));
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
