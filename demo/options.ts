import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { examples, number, wholeNumber } from '../src/cli/option-values.ts';
import { vendorEntries } from './vendors/index.ts';

export type DemoOptions = {
  /** Kinds of the vendors that take part. */
  readonly vendors: readonly string[];
  /** Those of them that are unkind. */
  readonly faults: readonly string[];
  readonly ordersPerSecond: number;
  /** Undefined: until Ctrl-C. */
  readonly seconds: number | undefined;
  readonly port: number;
  readonly fresh: boolean;
  /** Where the database is; absolute. */
  readonly folder: string;
};

type Given = Omit<DemoOptions, 'faults' | 'seconds'> & {
  readonly faults?: readonly string[] | true;
  readonly seconds?: number;
};

const allKinds = vendorEntries.map(({ kind }) => kind);

function kinds(given: string): readonly string[] {
  const chosen = given.split(',').map((kind) => kind.trim());
  if (chosen.every((kind) => allKinds.includes(kind))) return [...new Set(chosen)];
  throw new InvalidArgumentError(`They are of ${allKinds.join(', ')}, separated by commas.`);
}

/** The command, with its help; `run` is called with what was given. */
export function createDemoCommand(run: (options: DemoOptions) => Promise<void>): Command {
  return new Command('npm run demo --')
    .description('The service, vendors that run on this machine, and a stream of orders.')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride()
    .addOption(
      new Option('--vendors <kinds>', 'those that take part, as in shopify,square')
        .argParser(kinds)
        .default(allKinds, 'all'),
    )
    .option('--faults [kinds]', 'vendors that are unkind: all of them, or those named', kinds)
    .option('--orders-per-second <rate>', 'orders, wherever they come from', number(0.1, 200), 5)
    .option('--seconds <n>', 'end after so many, once all is shown', wholeNumber(1, 86_400))
    .option('--port <port>', 'port of the service, 0: any', wholeNumber(0, 65_535), 3000)
    .option('--fresh', 'begin with an empty database', false)
    .addOption(
      new Option('--folder <path>', 'where the database is')
        .argParser((path) => resolve(path))
        .default(resolve('.onhand/demo'), '.onhand/demo'),
    )
    .addHelpText(
      'after',
      examples(
        '$ npm run demo                                    until Ctrl-C',
        '$ npm run demo -- --faults                        every vendor fails one call in five',
        '$ npm run demo -- --faults square                 one does; see the others go on',
        '$ npm run demo -- --vendors shopify --orders-per-second 50',
        '$ npm run demo -- --seconds 20 --fresh | cat      lines instead of a picture',
      ),
    )
    .action(async ({ faults, seconds, ...given }: Given) => {
      const unkind = faults === true ? given.vendors : (faults ?? []);
      await run({ ...given, seconds, faults: unkind });
    });
}
