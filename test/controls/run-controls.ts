import type { Control } from './control.ts';
import { judgeReport, type Verdict } from './judge.ts';
import { copyProject } from './project-copy.ts';
import { runTests } from './run-tests.ts';

export type ControlResult = Pick<Control, 'id' | 'promise' | 'test' | 'name'> &
  Verdict & { readonly seconds: number };

export type ControlsOptions = {
  readonly databaseUrl: string;
  /** How many run at once. */
  readonly lanes: number;
  /** The longest that one may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/** Applies one control to a copy of the project and says what its test made of it. */
export async function runControl(
  control: Control,
  options: Omit<ControlsOptions, 'lanes'>,
): Promise<ControlResult> {
  const { id, promise, test, name, changes } = control;
  const { databaseUrl, timeoutMs, signal } = options;
  const startedAt = performance.now();
  let verdict: Verdict;
  try {
    const copy = await copyProject(changes);
    try {
      const run = { project: copy.path, files: [test], names: [name], databaseUrl, timeoutMs };
      verdict = judgeReport(await runTests(run, signal), test, name);
    } finally {
      await copy.remove();
    }
  } catch (error) {
    verdict = { kind: 'broken', detail: error instanceof Error ? error.message : String(error) };
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  return { id, promise, test, name, ...verdict, seconds };
}

/**
 * The tests of the controls on the project as it is: those that do not pass, by control. A test
 * that is red without the change proves nothing.
 */
export async function runUnchanged(
  controls: readonly Control[],
  { databaseUrl, timeoutMs, signal }: Omit<ControlsOptions, 'lanes'>,
): Promise<readonly { readonly control: Control; readonly detail: string }[]> {
  const files = [...new Set(controls.map(({ test }) => test))];
  const names = [...new Set(controls.map(({ name }) => name))];
  const copy = await copyProject([]);
  try {
    const run = { project: copy.path, files, names, databaseUrl, timeoutMs: 10 * timeoutMs };
    const report = await runTests(run, signal);
    return controls.flatMap((control) => {
      const { kind, detail } = judgeReport(report, control.test, control.name);
      return kind === 'green' ? [] : [{ control, detail }];
    });
  } finally {
    await copy.remove();
  }
}

/** Runs controls a few at a time, in their order, and tells of each as it ends. */
export async function runControls(
  controls: readonly Control[],
  options: ControlsOptions,
  onResult: (result: ControlResult) => void,
): Promise<readonly ControlResult[]> {
  const waiting = [...controls];
  const results: ControlResult[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal.aborted) return;
      const result = await runControl(next, options);
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return results;
}
