/** Whom a query is asked, and as whom. */
export type SqlServer = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: false | { readonly rejectUnauthorized: boolean };
};

const checked = { rejectUnauthorized: true };
/** With TLS the certificate is checked, unless that is switched off by name. */
const sslModes = new Map<string, SqlServer['ssl']>([
  ['disable', false],
  ['no-verify', { rejectUnauthorized: false }],
  ['prefer', checked],
  ['require', checked],
  ['verify-ca', checked],
  ['verify-full', checked],
]);

const name = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,64}\])$/;
const control = /\p{Cc}/u;

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; undefined where it is anything
 * else. The driver's own reading of it opens the files that it names, waits for them, and takes
 * from this process's environment what it lacks: so it is given what was read here, and no URL.
 */
export function serverOf(text: string): SqlServer | undefined {
  if (!/^postgres(?:ql)?:\/\/\S{1,2048}$/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(plain);
  const port = Number(url.port || 5432);
  const ssl = sslOf(url.searchParams);
  if (!user || !password || !database || !name.test(url.hostname) || port === 0) return undefined;
  if (ssl === undefined) return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port, user, password, database, ssl };
}

function sslOf(settings: URLSearchParams): SqlServer['ssl'] | undefined {
  const [first, ...more] = [...settings];
  if (first === undefined) return false;
  return first[0] === 'sslmode' && more.length === 0 ? sslModes.get(first[1]) : undefined;
}

/** Undefined where it is no text, or one that would end early. */
function plain(encoded: string): string | undefined {
  try {
    const text = decodeURIComponent(encoded);
    return control.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
