import { z } from 'zod';
import { namePattern } from './control.ts';

/** What of Vitest's JSON report is looked at. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()),
        }),
      ),
    }),
  ),
});

export type Verdict = {
  /**
   * `red`: the test noticed. `green`: it did not. `broken`: it could not tell, for it did not run,
   * or ended for another reason than an assertion of ours.
   */
  readonly kind: 'red' | 'green' | 'broken';
  /** The first line of the failure, or why there is none. */
  readonly detail: string;
};

/** Where a test says that something is not as it was promised. */
const assertion = /^(?:AssertionError|BrokenPromise|WaitedInVain|Error: Property failed)\b/;

/** What became of one test of a file, by Vitest's JSON report. */
export function judgeReport(json: unknown, file: string, name: string): Verdict {
  const parsed = report.safeParse(json);
  if (!parsed.success) return { kind: 'broken', detail: 'there is no report of the run' };
  const ours = parsed.data.testResults.filter((result) => result.name.endsWith(`/${file}`));
  const tests = ours
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName, status }) => namePattern(name).test(fullName) && status !== 'skipped');
  if (tests.length === 0) {
    const message = ours.map((result) => result.message).find((text) => text !== '');
    return { kind: 'broken', detail: firstLine(message ?? 'the test was not run') };
  }
  const failures = tests
    .filter(({ status }) => status !== 'passed')
    .map(({ failureMessages }) => failureMessages[0] ?? 'failed without a message');
  const noticed = failures.find((message) => assertion.test(message));
  if (noticed !== undefined) return { kind: 'red', detail: firstLine(noticed) };
  const [other] = failures;
  return other === undefined
    ? { kind: 'green', detail: 'the test passed all the same' }
    : { kind: 'broken', detail: firstLine(other) };
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.slice(0, 200) ?? '';
}
