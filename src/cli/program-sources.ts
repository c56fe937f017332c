import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import {
  examples,
  type Finish,
  jsonOption,
  merchantOption,
  text,
  wholeNumber,
} from './option-values.ts';

type Flags = { merchant: string; json: boolean };
type SourceFlags = Flags & { source?: string };

/** `sources`. */
export function addSourceCommands(program: Command, io: CommandIo, finish: Finish): void {
  const sources = program
    .command('sources')
    .description('systems that tell quantities: ERP, WMS, POS, marketplaces');
  sources
    .command('list')
    .description('the sources of a merchant, their last run and their next one')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand sources list'))
    .action(async (options: Flags) => {
      const { sourcesList } = await import('./sources.ts');
      finish(await sourcesList(io, options));
    });
  sources
    .command('sync')
    .description(
      'Read sources now, in this process: those named, else all that are enabled. Exit code 1 ' +
        'when one was not read to its end, or something it says waits for a decision.',
    )
    .argument('[source...]', 'ids of sources')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand sources sync', '$ onhand sources sync erp wms'))
    .action(async (sourceIds: string[], options: Flags) => {
      const { sourcesSync } = await import('./sources.ts');
      finish(await sourcesSync(io, sourceIds, options));
    });
  sources
    .command('runs')
    .description('runs, newest first, and what became of their items')
    .option('--source <id>', 'of this source only', text())
    .option('--limit <n>', 'so many', wholeNumber(1, 1_000), 20)
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand sources runs --source erp --limit 5'))
    .action(async (options: SourceFlags & { limit: number }) => {
      const { sourcesRuns } = await import('./sources.ts');
      finish(await sourcesRuns(io, options));
    });
  addQuarantineCommands(sources, io, finish);
}

function addQuarantineCommands(sources: Command, io: CommandIo, finish: Finish): void {
  sources
    .command('quarantine')
    .description('what sources said that looked wrong and waits for a decision; exit code 1 if any')
    .option('--source <id>', 'of this source only', text())
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand sources quarantine --source erp'))
    .action(async (options: SourceFlags) => {
      const { sourcesQuarantine } = await import('./sources.ts');
      finish(await sourcesQuarantine(io, options));
    });
  for (const decision of ['approve', 'refuse'] as const) {
    sources
      .command(decision)
      .description(
        decision === 'approve'
          ? 'apply a report from quarantine, with what was recorded since on top'
          : 'leave stock as it is',
      )
      .argument('<id>', 'of a report (qtn_…), or of a run (run_…): all that it put there')
      .addOption(merchantOption())
      .addOption(jsonOption())
      .addHelpText('after', examples(`$ onhand sources ${decision} run_01k9…`))
      .action(async (id: string, options: Flags) => {
        const { sourcesDecide } = await import('./sources.ts');
        finish(await sourcesDecide(io, id, { ...options, decision }));
      });
  }
}
