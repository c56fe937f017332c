import type { EmulatedAnswer } from '../emulator.ts';

/** Errors as Square words them. */
export function errorAnswer(
  status: number,
  code: string,
  more: { readonly field?: string; readonly category?: string } = {},
): EmulatedAnswer {
  const { field, category = 'INVALID_REQUEST_ERROR' } = more;
  const error = { category, code, detail: 'emulated', ...(field === undefined ? {} : { field }) };
  return { status, body: { errors: [error] } };
}
