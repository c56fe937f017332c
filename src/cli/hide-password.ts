/**
 * The password of a server that somebody else runs is not ours to print. It stands behind the user
 * or among the parameters; what Postgres takes is not always what a URL may be (no host, say).
 */
export function hidePassword(connectionString: string): string {
  return connectionString
    .replace(/^(\w+:\/\/[^:@/?#]*):[^/?#]*@/, '$1:***@')
    .replaceAll(/([?&][^=&]*password=)[^&]*/gi, '$1***');
}
