/** However long a channel wants to be left alone, we look again after an hour. */
const longestMs = 3_600_000;

/**
 * The wait that a `Retry-After` header asks for, in ms and at most an hour: seconds, of which
 * some send decimals (`2.0`), rounded up, or an HTTP date. Undefined when it says neither.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,10}(\.\d{1,10})?$/.test(text)) {
    return Math.min(Math.ceil(Number(text)) * 1000, longestMs);
  }
  // An HTTP date names its day; Date.parse would also take a lone number or word.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max(at - now.getTime(), 0), longestMs);
}
