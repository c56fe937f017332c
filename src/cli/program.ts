import { Command } from 'commander';
import type { CommandIo } from './io.ts';
import type { Finish } from './option-values.ts';
import { addBufferCommands } from './program-buffers.ts';
import { addDataCommands } from './program-data.ts';
import { addLedgerCommands } from './program-ledger.ts';
import { addListingCommands } from './program-listings.ts';
import { addOperationCommands } from './program-operation.ts';
import { addServiceCommands } from './program-service.ts';
import { addSourceCommands } from './program-sources.ts';

const overview = `
Start here:
  $ onhand serve                              API and workers, on a Postgres of its own
  $ onhand import stock counts.csv            what is on hand, from a file
  $ onhand listen                             a receiver to point a first channel at
  $ onhand audit verify                       do the books add up?

Every command works on the database of DATABASE_URL or, without it, on the one in DATA_DIR, and
brings its schema up to date first. Settings: onhand.yaml, or the file that ONHAND_CONFIG names.

Exit codes:
  0    done, and nothing was found
  1    done, and found: violations, rows that failed, work that was not finished in time
  2    arguments or settings that cannot be used
  3    the database cannot be reached
  70   a fault of onhand itself
  130  stopped by Ctrl-C before the end
`;

/**
 * Every command with its options and its help. What a command does is loaded when it runs, so that
 * help and mistakes are answered at once.
 */
export function createProgram(io: CommandIo, finish: Finish): Command {
  const program = new Command('onhand')
    .description("Keeps every sales channel's stock true.")
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .addHelpText('after', overview);
  addServiceCommands(program, io, finish);
  addDataCommands(program, io, finish);
  addOperationCommands(program, io, finish);
  addSourceCommands(program, io, finish);
  addLedgerCommands(program, io, finish);
  addListingCommands(program, io, finish);
  addBufferCommands(program, io, finish);
  return program;
}
