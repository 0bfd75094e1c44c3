import { loadConfig, required } from '../config/config';
import { prepareDatabase } from '../runtime/prepare-database';
import { rotateKey } from '../runtime/rotate-key';
import { withExamples } from './command';
import { CliFailure } from './failure';
import type { Command } from 'commander';

/** `muster migrate` and `muster rotate-key`: they work on the database itself, so they need DATABASE_URL and no API. */
export function addMaintenance(program: Command): void {
  addMigrate(program);
  addRotateKey(program);
}

function addMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .description('brings the database that DATABASE_URL names to the newest schema; `muster start` does it by itself')
    .action(async (_options: unknown, self: Command) => {
      await prepareDatabase(required(loadConfig(), 'databaseUrl'));
      answer(self, { migrated: true }, 'The database is up to date.');
    });
  withExamples(command, [
    ['DATABASE_URL_FILE=/run/secrets/database_url muster migrate', 'before a new version starts'],
  ]);
}

function addRotateKey(program: Command): void {
  const command = program
    .command('rotate-key')
    .description('seals every kept secret with the newest key of MUSTER_SECRET_KEY; the older ones can then be removed')
    .action(async (_options: unknown, self: Command) => {
      const { resealed, current, unreadable } = await rotateKey(loadConfig());
      answer(self, { resealed, current, unreadable }, `${resealed} sealed anew, ${current} were already.`);
      if (unreadable.length === 0) return;
      throw new CliFailure('Some secrets cannot be opened with the keys given.', {
        details: [...unreadable, 'Give the key that sealed them too, or set these secrets again.'],
      });
    });
  withExamples(command, [['MUSTER_SECRET_KEY="$NEW,$OLD" muster rotate-key', 'see docs/operations.md']]);
}

function answer(command: Command, value: Readonly<Record<string, unknown>>, line: string): void {
  const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>();
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : line}\n`);
}
