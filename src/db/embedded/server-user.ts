import { spawn } from 'node:child_process';
import { chmod, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../../errors.ts';

/** Who runs Postgres: this process's own user, or an unprivileged one when this process is root. */
export type ServerUser = {
  /** Owner of the cluster's files; undefined when that is this process's user anyway. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Runs a program as that user. Resolves also when it fails. */
  run(program: string, args: readonly string[]): Promise<CommandResult>;
};

export type CommandResult = { readonly exitCode: number | null; readonly output: string };

type Account = { readonly uid: number; readonly gid: number; readonly prefix: readonly string[] };

const accountName = 'postgres';

/**
 * Decides who runs Postgres, which refuses to be run by root.
 * @param dataDir must exist; root's own directory is made passable for the other user
 * @param cluster when it exists already, its owner is the one
 * @param program a program that the user must be able to start
 */
export async function findServerUser(
  dataDir: string,
  cluster: string,
  program: string,
): Promise<ServerUser> {
  const found = await stat(cluster).catch(() => undefined);
  const uid = process.getuid?.();
  if (uid !== 0) {
    if (found !== undefined && uid !== undefined && found.uid !== uid) {
      throw new UsageError(`${cluster} belongs to user ${found.uid}; onhand runs as ${uid}`);
    }
    return { owner: undefined, run: (file, args) => runCommand(file, args, undefined) };
  }
  const owner =
    found !== undefined && found.uid !== 0
      ? { uid: found.uid, gid: found.gid }
      : ((await lookUpAccount()) ?? (await createAccount()));
  const { mode } = await stat(dataDir);
  if ((mode & 0o001) === 0) await chmod(dataDir, (mode & 0o777) | 0o001);
  const account = { ...owner, prefix: await passageFor(owner, [dataDir, program]) };
  return { owner, run: (file, args) => runCommand(file, args, account) };
}

async function lookUpAccount(): Promise<{ uid: number; gid: number } | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .find((candidate) => candidate.startsWith(`${accountName}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined
    ? undefined
    : { uid: Number(uid), gid: Number(gid) };
}

async function createAccount(): Promise<{ uid: number; gid: number }> {
  const { output } = await runCommand(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', accountName],
    undefined,
  );
  const created = await lookUpAccount();
  if (created !== undefined) return created;
  throw new UsageError(
    `PostgreSQL does not run as root, and the user "${accountName}" could not be created ` +
      `(${output.trim()}): run onhand as an ordinary user, or set DATABASE_URL`,
  );
}

/**
 * What must stand before a command so that the user can reach these paths: mostly nothing. Where
 * they lie below a closed directory (a checkout in /root), the user is given the capability to pass
 * through directories, which leaves the modes of the operator's directories alone.
 */
async function passageFor(
  owner: { uid: number; gid: number },
  paths: readonly string[],
): Promise<readonly string[]> {
  if (await canReach({ ...owner, prefix: [] }, paths)) return [];
  for (const capability of ['dac_read_search', 'dac_override']) {
    const prefix = [
      'setpriv',
      `--reuid=${owner.uid}`,
      `--regid=${owner.gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
      '--',
    ];
    if (await canReach({ ...owner, prefix }, paths)) return prefix;
  }
  const closed = await firstClosedDirectory(owner, paths);
  throw new UsageError(
    `PostgreSQL does not run as root, so it runs as user ${owner.uid}, who may not pass through ` +
      `${closed}: move DATA_DIR and the program out of it, allow it (chmod o+x ${closed}), ` +
      'run onhand as an ordinary user, or set DATABASE_URL',
  );
}

async function canReach(account: Account, paths: readonly string[]): Promise<boolean> {
  const script = 'for path in "$@"; do test -x "$path" || exit 1; done';
  const { exitCode } = await runCommand('/bin/sh', ['-c', script, 'sh', ...paths], account);
  return exitCode === 0;
}

async function firstClosedDirectory(
  owner: { uid: number; gid: number },
  paths: readonly string[],
): Promise<string> {
  for (const path of paths) {
    const ancestors: string[] = [];
    for (let at = path; at !== dirname(at); at = dirname(at)) ancestors.unshift(at);
    for (const ancestor of ancestors) {
      const { mode, uid, gid } = await stat(ancestor);
      const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return ancestor;
    }
  }
  return paths.join(' or ');
}

async function runCommand(
  program: string,
  args: readonly string[],
  account: Account | undefined,
): Promise<CommandResult> {
  const [file = program, ...rest] = [...(account?.prefix ?? []), program, ...args];
  const drop = account !== undefined && account.prefix.length === 0;
  return await new Promise((resolve) => {
    const child = spawn(file, rest, {
      ...(drop ? { uid: account.uid, gid: account.gid } : {}),
      // The other user may not be allowed to be where this process is.
      cwd: '/',
      // Nothing of this process's environment: it holds secrets, and PG* variables would interfere.
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ exitCode: null, output: error.message }));
    child.on('close', (exitCode) => resolve({ exitCode, output }));
  });
}
