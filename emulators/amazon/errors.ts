import type { EmulatedAnswer } from '../emulator.ts';

/** Errors as Amazon words them. */
export function errorAnswer(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): EmulatedAnswer {
  return { status, headers, body: { errors: [{ code, message: 'emulated', details: '' }] } };
}
