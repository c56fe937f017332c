import type { Command } from 'commander';
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

type ImportFlags = { store: string; merchant: string; json: boolean };
type ReplayFlags = ImportFlags & {
  openingStock?: string;
  opening: number;
  concurrency: number;
};

/** `import stock`, `replay orders`. */
export function addDataCommands(program: Command, io: CommandIo, finish: Finish): void {
  program
    .command('import')
    .description('take over what others counted')
    .command('stock')
    .description(
      'Set what is on hand to the figures of a CSV file. They are counts, so facts: available ' +
        'may fall below zero. Stores are created. A figure that stands already is not written, ' +
        'so the file can be imported again; rows with errors are told and do not stop the run.',
    )
    .argument('<file>', 'CSV with a header: sku, onHand (or quantity), and storeId where it varies')
    .option('--store <id>', 'store of rows that name none', text(), 'main')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        '$ onhand import stock counts.csv',
        '$ onhand import stock depot.csv --store depot --json',
      ) + '\nExit code 1: some rows could not be read; all others are imported.\n',
    )
    .action(async (file: string, options: ImportFlags) => {
      const { importStock } = await import('./import-stock.ts');
      finish(await importStock(io, file, options));
    });

  program
    .command('replay')
    .description('apply what happened elsewhere')
    .command('orders')
    .description(
      'Apply the orders of a CSV file in the Online Retail format (InvoiceNo, StockCode, ' +
        'Quantity, InvoiceDate), in their order: each invoice is reserved whole and committed, ' +
        'or refused for lack of stock. An invoice that begins with C puts its lines back; ' +
        'negative quantities on others are corrections; codes that are no articles (POST, D, M) ' +
        'are skipped. Each order is applied once: a run that was killed is taken up where it ' +
        'was when it is started again, and a second run changes nothing.',
    )
    .argument('<file>', 'CSV with a header; dates in RFC 3339, or as in 12/1/2010 8:26')
    .option('--opening-stock <file>', 'what is there at the start (as for import stock)')
    .option(
      '--opening <share>',
      'else this part of what the file takes from each SKU in all',
      number(0, 1_000),
      0.8,
    )
    .option('--store <id>', 'where it happens; created', text(), 'main')
    .addOption(merchantOption())
    .option('--concurrency <n>', 'orders decided together, 1 to 1000', wholeNumber(1, 1_000), 100)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        '$ onhand replay orders online-retail.csv',
        '$ onhand replay orders online-retail.csv --opening 1 --store test',
      ) +
        '\nOpening stock is set once: a SKU that has a stock level at the store keeps it.\n' +
        'Exit code 0 when the audit is clean afterwards, whatever was refused or could not be\n' +
        'read; 1 when it is not.\n',
    )
    .action(async (file: string, options: ReplayFlags) => {
      const { replayFile } = await import('./replay-orders.ts');
      finish(await replayFile(io, file, options));
    });
}
