import type { EmulatedAnswer } from '../emulator.ts';

/** An error as eBay words it. */
export function errorBody(errorId: number): Record<string, unknown> {
  return {
    errorId,
    domain: 'API_INVENTORY',
    category: errorId === 25_001 ? 'APPLICATION' : 'REQUEST',
    message: 'emulated',
    longMessage: 'emulated',
    parameters: [],
  };
}

export function errorAnswer(status: number, errorId: number): EmulatedAnswer {
  return { status, body: { errors: [errorBody(errorId)] } };
}
