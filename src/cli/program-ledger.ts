import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { examples, type Finish, jsonOption, month } from './option-values.ts';

type ArchiveFlags = {
  before: Date;
  to?: string;
  keep: boolean;
  dryRun: boolean;
  json: boolean;
};
type FileFlags = { in?: string; json: boolean };

/** `ledger`. */
export function addLedgerCommands(program: Command, io: CommandIo, finish: Finish): void {
  const ledger = program.command('ledger').description('months of the ledger and their archive');
  ledger
    .command('archive')
    .description(
      'Take old months out of the ledger: each is written to a compressed CSV file, the file is ' +
        'read back and compared, what the levels were at its end is carried forward, and the ' +
        'month is dropped; the last two together or not at all. Levels, audit and every question ' +
        'about the time since stay as they are. Killed anywhere nothing is lost: run it again.',
    )
    .requiredOption('--before <month>', 'months that end before this one begins (UTC)', month)
    .option('--to <folder>', 'where the files go (the folder ledger-archive in DATA_DIR)')
    .option('--keep', 'leave the months in the schema archive instead of dropping them', false)
    .option('--dry-run', 'say what would be done, and what stands in the way', false)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        '$ onhand ledger archive --before 2026-01 --dry-run',
        '$ onhand ledger archive --before 2026-01 --to /backup/ledger',
      ) +
        '\nThe last 31 days always stay. A month stays, and those after it, while something\n' +
        'needs it: a change that a channel was not told or has given up (redrive it, or disable\n' +
        'the channel), a report in quarantine, a replay that was killed. Exit code 1 then.\n',
    )
    .action(async (options: ArchiveFlags) => {
      const { ledgerArchive } = await import('./ledger.ts');
      finish(await ledgerArchive(io, options));
    });
  ledger
    .command('archives')
    .description('what was archived, when, by whom, and the files it is in')
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand ledger archives'))
    .action(async (options: { json: boolean }) => {
      const { ledgerArchives } = await import('./ledger.ts');
      finish(await ledgerArchives(io, options));
    });
  addFileCommands(ledger, io, finish);
}

function addFileCommands(ledger: Command, io: CommandIo, finish: Finish): void {
  ledger
    .command('verify')
    .description(
      'read every archive file to its end and compare it with what was archived; exit code 1 ' +
        'when one is missing or differs',
    )
    .option('--in <folder>', 'where the files are now, if they were moved')
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand ledger verify --in /backup/ledger'))
    .action(async (options: FileFlags) => {
      const { ledgerVerify } = await import('./ledger.ts');
      finish(await ledgerVerify(io, options));
    });
  ledger
    .command('restore')
    .description(
      'Bring an archived month back to look at, as a table of the schema archive. It is not put ' +
        'back into the ledger: nothing counts its entries twice. Drop the table when done.',
    )
    .argument('<month>', 'such as 2025-11', month)
    .option('--in <folder>', 'where the files are now, if they were moved')
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand ledger restore 2025-11'))
    .action(async (wanted: Date, options: FileFlags) => {
      const { ledgerRestore } = await import('./ledger.ts');
      finish(await ledgerRestore(io, wanted, options));
    });
}
