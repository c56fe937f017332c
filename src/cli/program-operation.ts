import { Option, type Command } from 'commander';
import type { CommandIo } from './io.ts';
import { examples, type Finish, jsonOption, merchantOption, text } from './option-values.ts';

type Flags = { merchant: string; json: boolean };
type KeyFlags = Flags & { name: string; role: 'admin' | 'member' };
type LetterFlags = Flags & { channel?: string };

/** `keys`, `channels`, `dead-letters`, `audit`. */
export function addOperationCommands(program: Command, io: CommandIo, finish: Finish): void {
  addKeyCommands(program, io, finish);
  addChannelCommands(program, io, finish);
  program
    .command('audit')
    .description('check the books')
    .command('verify')
    .description(
      'Read every view of the schema `audit` that shows violations, with its count; the first ' +
        'rows where there are some. Exit code 0 when all are empty, 1 when one is not.',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('$ onhand audit verify', '$ onhand audit verify --json | jq .clean') +
        '\nTakes two minutes for a million levels with ten million ledger entries.\n',
    )
    .action(async (options: { json: boolean }) => {
      const { auditVerify } = await import('./audit-verify.ts');
      finish(await auditVerify(io, options));
    });
}

function addKeyCommands(program: Command, io: CommandIo, finish: Finish): void {
  const keys = program.command('keys').description('API keys of a merchant');
  keys
    .command('create')
    .description('make a key and show it, this once')
    .requiredOption('--name <name>', 'what it is for', text(255))
    .addOption(
      new Option('--role <role>', "admin: may manage the merchant's keys")
        .choices(['admin', 'member'])
        .default('member'),
    )
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        '$ onhand keys create --name storefront',
        '$ KEY=$(onhand keys create --name till-1 --merchant acme)',
      ),
    )
    .action(async (options: KeyFlags) => {
      const { keysCreate } = await import('./keys.ts');
      finish(await keysCreate(io, options));
    });
  keys
    .command('list')
    .description('the keys in force, without their secret')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand keys list --merchant acme'))
    .action(async (options: Flags) => {
      const { keysList } = await import('./keys.ts');
      finish(await keysList(io, options));
    });
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<key-id>', 'as `keys list` shows it: key_…')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand keys revoke key_01k9…'))
    .action(async (keyId: string, options: Flags) => {
      const { keysRevoke } = await import('./keys.ts');
      finish(await keysRevoke(io, keyId, options));
    });
}

function addChannelCommands(program: Command, io: CommandIo, finish: Finish): void {
  program
    .command('channels')
    .description('where stock is sold and shown')
    .command('list')
    .description('the channels of a merchant')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand channels list'))
    .action(async (options: Flags) => {
      const { channelsList } = await import('./channels.ts');
      finish(await channelsList(io, options));
    });

  const letters = program
    .command('dead-letters')
    .description('deliveries whose attempts are spent');
  letters
    .command('list')
    .description('those for which nothing newer was delivered since')
    .option('--channel <id>', 'of this channel only')
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('$ onhand dead-letters list --channel webshop'))
    .action(async (options: LetterFlags) => {
      const { deadLettersList } = await import('./channels.ts');
      finish(await deadLettersList(io, options));
    });
  letters
    .command('redrive')
    .description('have them sent again; a running service does so')
    .option('--channel <id>', 'of this channel only')
    .option('--dry-run', 'only count them', false)
    .addOption(merchantOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('$ onhand dead-letters redrive --dry-run', '$ onhand dead-letters redrive'),
    )
    .action(async (options: LetterFlags & { dryRun: boolean }) => {
      const { deadLettersRedrive } = await import('./channels.ts');
      finish(await deadLettersRedrive(io, options));
    });
}
