import { Option, type Command } from 'commander';
import type { DriftStatus } from '../reconciliation/index.ts';
import type { CommandIo } from './io.ts';
import { examples, type Finish, jsonOption, merchantOption, text } from './option-values.ts';

type Flags = { merchant: string; json: boolean };
type ScopeFlags = Flags & { channel?: string; source?: string };

/** `reconcile`, `drifts`. */
export function addReconciliationCommands(program: Command, io: CommandIo, finish: Finish): void {
  program
    .command('reconcile')
    .description(
      'Hold what channels show and sources say against ours, explain what differs, and settle ' +
        'it: those named, else all that are enabled. Works with or without a running service. ' +
        'Exit code 1 when drift waits for an approval, something could not be read, or the ' +
        'ledger does not add up.',
    )
    .option('--channel <id>', 'this channel only', text())
    .option('--source <id>', 'this source only', text())
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand reconcile', '$ onhand reconcile --channel webshop'))
    .action(async (options: ScopeFlags) => {
      const { reconcile } = await import('./reconcile.ts');
      finish(await reconcile(io, options));
    });
  const drifts = program
    .command('drifts')
    .description('figures that are shown or told otherwise than expected');
  drifts
    .command('list')
    .description('newest first')
    .addOption(
      new Option('--status <status>', 'of this status only').choices([
        'pending',
        'settling',
        'settled',
        'ignored',
        'superseded',
      ]),
    )
    .option('--channel <id>', 'of this channel only', text())
    .option('--source <id>', 'of this source only', text())
    .option('--csv', 'as CSV', false)
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('$ onhand drifts list --status pending', '$ onhand drifts list --csv > drifts.csv'),
    )
    .action(async (options: ScopeFlags & { status?: DriftStatus; csv: boolean }) => {
      const { driftsList } = await import('./drifts.ts');
      finish(await driftsList(io, options));
    });
  for (const decision of ['approve', 'ignore'] as const) {
    drifts
      .command(decision)
      .description(
        decision === 'approve'
          ? 'send our figure, or take over the one of the owner'
          : 'leave things as they are until the level changes next',
      )
      .argument('<id>', 'of a drift (drf_…)')
      .addOption(merchantOption())
      .addOption(jsonOption())
      .addHelpText('after', examples(`$ onhand drifts ${decision} drf_01k9…`))
      .action(async (driftId: string, options: Flags) => {
        const { driftsDecide } = await import('./drifts.ts');
        finish(await driftsDecide(io, driftId, { ...options, decision }));
      });
  }
}
