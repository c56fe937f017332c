import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { examples, type Finish, jsonOption, merchantOption, text } from './option-values.ts';

type Flags = { merchant: string; json: boolean };

/** `listings`. */
export function addListingCommands(program: Command, io: CommandIo, finish: Finish): void {
  const listings = program
    .command('listings')
    .description('by which ids a channel knows what is sold');
  listings
    .command('import')
    .description(
      'Say by which ids a channel knows SKUs, from a CSV file: columns sku and storeId, and each ' +
        'other column is an id by the channel’s name (inventoryItemId, productId, …). What is ' +
        'listed already gets the ids of the file; what the file does not name stays. Rows that ' +
        'cannot be used are told with their line, and the others are listed; exit code 1 then.',
    )
    .argument('<channel>', 'the id of the channel')
    .argument('<file>', 'a CSV file with a header')
    .option('--store <id>', 'store of rows that name none', text(), 'main')
    .option('--dry-run', 'say what would be listed, and what is wrong', false)
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        '$ onhand listings import shop listings.csv --dry-run',
        '$ onhand listings import shop listings.csv --store warehouse',
      ),
    )
    .action(
      async (
        channel: string,
        file: string,
        options: Flags & { store: string; dryRun: boolean },
      ) => {
        const { listingsImport } = await import('./listings.ts');
        finish(await listingsImport(io, channel, file, options));
      },
    );
  listings
    .command('export')
    .description('the listings of a channel as CSV, in the form that import takes')
    .argument('<channel>', 'the id of the channel')
    .option('--to <file>', 'into a file instead of standard output')
    .addOption(merchantOption())
    .addHelpText('after', examples('$ onhand listings export shop --to listings.csv'))
    .action(async (channel: string, options: { merchant: string; to?: string }) => {
      const { listingsExport } = await import('./listings.ts');
      finish(await listingsExport(io, channel, options));
    });
  addLookCommands(listings, io, finish);
}

function addLookCommands(listings: Command, io: CommandIo, finish: Finish): void {
  listings
    .command('check')
    .description(
      'find listings that share their ids with another, have none that the channel can use, or ' +
        'have no level; exit code 1 when there are any',
    )
    .argument('<channel>', 'the id of the channel')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand listings check shop'))
    .action(async (channel: string, options: Flags) => {
      const { listingsCheck } = await import('./listings.ts');
      finish(await listingsCheck(io, channel, options));
    });
  listings
    .command('discover')
    .description(
      'Ask a channel what it sells, and show for each item its listing or the level that ' +
        'it would be listed for: the only one with its SKU.',
    )
    .argument('<channel>', 'the id of the channel')
    .option('--apply', 'list what is unambiguous', false)
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('$ onhand listings discover shop', '$ onhand listings discover shop --apply'),
    )
    .action(async (channel: string, options: Flags & { apply: boolean }) => {
      const { listingsDiscover } = await import('./listings.ts');
      finish(await listingsDiscover(io, channel, options));
    });
}
