import { types } from 'pg';

/** The driver's own: every form, infinities and years before Christ among them. */
const parseAny = types.getTypeParser(types.builtins.TIMESTAMPTZ, 'text');

const secondsEnd = 19;
const longest = secondsEnd + '.123456'.length;

/**
 * A `timestamptz` as a Date, its microseconds cut off, as the driver's parser gives it. The form
 * that a session in UTC answers with (`2026-11-22 09:12:33.123456+00`) is read digit by digit,
 * which takes a third as long as the driver's regular expressions: delivery reads four for each
 * listing.
 */
export function parseTimestamp(text: string): unknown {
  const zone = text.length - 3;
  const isUsual = zone >= secondsEnd && zone <= longest && text[4] === '-' && text.endsWith('+00');
  if (!isUsual) return parseAny(text);
  let ms = 0;
  for (let at = secondsEnd + 1, unit = 100; unit >= 1; at += 1, unit /= 10) {
    if (at < zone) ms += digit(text, at) * unit;
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  // Date.UTC takes years below 100 for those of the last century.
  if (year < 100) return parseAny(text);
  return new Date(
    Date.UTC(
      year,
      twoDigits(text, 5) - 1,
      twoDigits(text, 8),
      twoDigits(text, 11),
      twoDigits(text, 14),
      twoDigits(text, 17),
      ms,
    ),
  );
}

function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - 48;
}
