import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { defaultSettings } from '../src/db/embedded/server-settings.ts';

const root = new URL('../', import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(name, root), 'utf8');
}

type Instruction = { readonly name: string; readonly args: string };

/** The Dockerfile's instructions, one list for each stage. */
function readStages(): readonly (readonly Instruction[])[] {
  const lines = read('Dockerfile')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [name = '', ...args] = line.trim().split(/\s+/);
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, args: args.join(' ') });
  }
  return stages;
}

/** What is said of one instruction in the image that is run. */
function inImage(name: string): readonly string[] {
  const final = readStages().at(-1) ?? [];
  return final.filter((each) => each.name === name).map((each) => each.args);
}

/** Paths that are copied from the checkout. */
function copiedPaths(): readonly string[] {
  return readStages()
    .flat()
    .filter(({ name, args }) => name === 'COPY' && !args.includes('--from='))
    .flatMap(({ args }) => args.split(' ').slice(0, -1))
    .map((path) => path.replace(/\/$/, ''));
}

/** The packages that a file imports; types too, for they cost nothing to have. */
async function packagesImportedBy(folders: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    const names = await readdir(new URL(folder, root), { recursive: true });
    for (const name of names.filter((each) => each.endsWith('.ts'))) {
      const source = await readFile(new URL(`${folder}/${name}`, root), 'utf8');
      const imports = source.matchAll(
        /(?:^|\s)(?:from|import|import\.meta\.resolve)\s*\(?\s*'([^'.][^']*)'/g,
      );
      for (const [, specifier = ''] of imports) {
        if (!isBuiltin(specifier)) found.set(packageOf(specifier), `${folder}/${name}`);
      }
    }
  }
  return found;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('the image', () => {
  test('is built from files that exist and that the builder is given', () => {
    expect(copiedPaths()).toEqual(expect.arrayContaining(['package.json', 'src', 'migrations']));
    const given = read('.dockerignore').split('\n');
    for (const path of copiedPaths()) {
      expect(given).toContain(`!${path}`);
    }
    expect(copiedPaths().filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
    expect(given).toContain('*');
  });

  test('holds every package that the program imports, and no development dependency', async () => {
    const installs = readStages()
      .flat()
      .filter(({ args }) => /\bnpm (ci|install|i)\b/.test(args));
    expect(installs.map(({ args }) => args)).toEqual(['npm ci --omit=dev']);
    const manifest = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    const imported = await packagesImportedBy(['src', 'migrations']);
    expect([...imported.keys()]).toEqual(expect.arrayContaining(['pg', 'kysely', 'zod']));
    const missing = [...imported].filter(([name]) => !(name in manifest.dependencies));
    expect(missing).toEqual([]);
  });

  test('runs the service as an unprivileged user with its data in a volume', () => {
    expect(inImage('USER')).toEqual(['node']);
    expect(inImage('CMD')).toEqual(['["node", "src/main.ts", "serve"]']);
    expect(inImage('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(inImage('VOLUME')).toEqual(['/data']);
    const settings = inImage('ENV').join(' ').split(' ');
    expect(settings).toEqual(
      expect.arrayContaining(['NODE_ENV=production', 'HOST=0.0.0.0', 'PORT=3000']),
    );
    expect(settings).toContain('DATA_DIR=/data');
  });

  test('has the command line as `onhand`', async () => {
    const writes = inImage('RUN').find((args) => args.includes('/usr/local/bin/onhand')) ?? '';
    const folder = await mkdtemp(join(tmpdir(), 'onhand-image-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    expect(inImage('WORKDIR')).toEqual(['/app']);
    const here = writes
      .replaceAll('/usr/local/bin', folder)
      .replaceAll('/app/', fileURLToPath(root));
    const run = promisify(execFile);
    await run('sh', ['-ec', here]);
    const { stdout } = await run(join(folder, 'onhand'), ['keys', 'create', '--help']);
    expect(stdout).toContain('onhand keys create');
  });

  test('says whether it is ready', () => {
    const [healthCheck = ''] = inImage('HEALTHCHECK');
    expect(healthCheck).toContain('/api/health/readiness');
    const command: unknown = JSON.parse(healthCheck.slice(healthCheck.indexOf('[')));
    expect(command).toEqual(['node', '-e', expect.any(String)]);
  });
});

describe('docker-compose.yml', () => {
  const service = z.object({
    environment: z.record(z.string(), z.string()),
    volumes: z.array(z.string()).min(1),
    healthcheck: z.object({ test: z.array(z.string()).min(2), interval: z.string() }),
    depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
    image: z.string(),
    command: z.array(z.string()).default([]),
  });
  const compose = z.object({
    services: z.object({ onhand: service, postgres: service }),
    volumes: z.record(z.string(), z.unknown()),
  });

  function readCompose(): z.infer<typeof compose> {
    const document = parseDocument(read('docker-compose.yml'));
    expect(document.errors).toEqual([]);
    return compose.parse(document.toJS());
  }

  test('starts the service when its database answers', () => {
    const { onhand, postgres } = readCompose().services;
    expect(onhand.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(onhand.healthcheck.test.join(' ')).toContain('/api/health/readiness');
    expect(postgres.healthcheck.test).toContain('pg_isready');
  });

  test('sets its PostgreSQL as the embedded one, but for the memory', () => {
    const [program, ...options] = readCompose().services.postgres.command;
    expect(program).toBe('postgres');
    const settings = options.filter((option) => option !== '-c').map((one) => one.split('='));
    const { shared_buffers: _, ...embedded } = defaultSettings;
    expect(Object.fromEntries(settings)).toEqual({ ...embedded, shared_buffers: '256MB' });
  });

  test('keeps the data of both in named volumes, where the images have them', () => {
    const { services, volumes } = readCompose();
    expect(services.postgres.image).toBe('postgres:18');
    expect(services.postgres.volumes).toEqual(['postgres-data:/var/lib/postgresql']);
    expect(services.onhand.volumes).toEqual([`onhand-data:${inImage('VOLUME').join('')}`]);
    expect(Object.keys(volumes)).toEqual(['onhand-data', 'postgres-data']);
  });

  test('holds no secret and does not start without the password', () => {
    const { onhand, postgres } = readCompose().services;
    expect(postgres.environment['POSTGRES_PASSWORD']).toMatch(/^\$\{POSTGRES_PASSWORD:\?[^}]+\}$/);
    expect(onhand.environment['DATABASE_URL']).toMatch(
      /^postgresql:\/\/onhand:\$\{POSTGRES_PASSWORD:\?[^}]+\}@postgres:5432\/onhand$/,
    );
    const keys = ['ADMIN_API_KEY', 'ENCRYPTION_KEY'];
    for (const key of keys) expect(onhand.environment[key]).toBe(`\${${key}:-}`);
  });
});

test('the check of a clean checkout can be run', () => {
  expect(() => accessSync(new URL('.ci/run', root), constants.X_OK)).not.toThrow();
});
