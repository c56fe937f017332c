const rfc3339 = new RegExp(
  String.raw`^(?<y>\d{4})-(?<mo>\d\d)-(?<d>\d\d)[T ](?<h>\d\d):(?<mi>\d\d)` +
    String.raw`(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$`,
  'i',
);
/** As in the source of the data set: month, day, year, in no time zone, taken as UTC. */
const asInSource = /^(?<mo>\d{1,2})\/(?<d>\d{1,2})\/(?<y>\d{4}) (?<h>\d{1,2}):(?<mi>\d\d)$/;

/** The moment of an invoice, or undefined when the text is none (such as 30 February). */
export function parseInvoiceDate(text: string): Date | undefined {
  const match = rfc3339.exec(text) ?? asInSource.exec(text);
  if (match?.groups === undefined) return undefined;
  const [year, month, day, hour, minute] = ['y', 'mo', 'd', 'h', 'mi'].map((part) =>
    Number(match.groups?.[part]),
  ) as [number, number, number, number, number];
  const asUtc = new Date(Date.UTC(year, month - 1, day, hour, minute));
  const isReal =
    asUtc.getUTCMonth() === month - 1 && asUtc.getUTCDate() === day && hour < 24 && minute < 60;
  if (!isReal) return undefined;
  const at = text.includes('/') ? asUtc : new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
