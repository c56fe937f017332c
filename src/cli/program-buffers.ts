import { Option, type Command } from 'commander';
import type { CommandIo } from './io.ts';
import {
  examples,
  type Finish,
  jsonOption,
  merchantOption,
  number,
  text,
  wholeNumber,
} from './option-values.ts';

export type Flags = { readonly merchant: string; readonly json: boolean };
export type ScopeFlags = Flags & {
  readonly sku?: string;
  readonly category?: string;
  readonly store?: string;
};
export type RuleFlags = ScopeFlags & {
  readonly strategy: 'static' | 'dynamic' | 'velocity_based';
  readonly units?: number;
  readonly percentage?: number;
  readonly leadTimeDays?: number;
  readonly serviceLevel?: number;
  readonly windowDays?: number;
};

/** `safety-buffers`. */
export function addBufferCommands(program: Command, io: CommandIo, finish: Finish): void {
  const buffers = program
    .command('safety-buffers')
    .description('how much is kept back: safety stock and its rules');
  scoped(buffers.command('list').description('the rules of a merchant, and what holds without one'))
    .addHelpText('after', examples('$ onhand safety-buffers list --sku 85123A'))
    .action(async (options: ScopeFlags) => {
      const { buffersList } = await import('./safety-buffers.ts');
      finish(await buffersList(io, options));
    });
  addSetCommand(buffers, io, finish);
  scoped(
    buffers
      .command('delete')
      .description('take away the rule that was set for exactly this; levels follow soon after'),
  )
    .addHelpText('after', examples('$ onhand safety-buffers delete --sku 85123A --store main'))
    .action(async (options: ScopeFlags) => {
      const { buffersDelete } = await import('./safety-buffers.ts');
      finish(await buffersDelete(io, options));
    });
  buffers
    .command('recompute')
    .description(
      'Bring the safety stock of all levels up to date now, in this process. Exit code 1 when ' +
        'another process is at it.',
    )
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand safety-buffers recompute'))
    .action(async (options: Flags) => {
      const { buffersRecompute } = await import('./safety-buffers.ts');
      finish(await buffersRecompute(io, options));
    });
}

function addSetCommand(buffers: Command, io: CommandIo, finish: Finish): void {
  scoped(
    buffers
      .command('set')
      .description(
        'Set the rule for a SKU or a category, at a store or at all, or without any of them for ' +
          'everything. What it does not say is as the settings say. Levels follow soon after, ' +
          'by a running service or `recompute`.',
      )
      .addOption(
        new Option('--strategy <name>', 'how it is reckoned')
          .choices(['static', 'dynamic', 'velocity_based'])
          .makeOptionMandatory(),
      )
      .option('--units <n>', 'static: so many', wholeNumber(0, 2_147_483_647))
      .option('--percentage <p>', 'dynamic: percent of what is on hand', number(0, 100))
      .option('--lead-time-days <days>', 'velocity_based: until a delivery', number(0, 365))
      .option('--service-level <share>', 'velocity_based: 0.5 to 0.9999', number(0.5, 0.9999))
      .option('--window-days <days>', 'velocity_based: of sales', wholeNumber(2, 366)),
  )
    .addHelpText(
      'after',
      examples(
        '$ onhand safety-buffers set --strategy static --units 2',
        '$ onhand safety-buffers set --sku 85123A --strategy velocity_based --service-level 0.98',
      ),
    )
    .action(async (options: RuleFlags) => {
      const { buffersSet } = await import('./safety-buffers.ts');
      finish(await buffersSet(io, options));
    });
}

function scoped(command: Command): Command {
  return command
    .option('--sku <sku>', 'of this SKU', text())
    .option('--category <name>', 'of the SKUs in this category', text(255))
    .option('--store <id>', 'at this store', text())
    .addOption(merchantOption())
    .addOption(jsonOption());
}
