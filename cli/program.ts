import { Command } from 'commander';
import { addExplain } from './explain';
import { addGuard } from './guard';
import { addImport } from './import';
import { addMaintenance } from './maintenance';
import { addOperations } from './operations';
import { addReconcile } from './reconcile';
import { addServices } from './services';
import { startCommand } from './start';
import { addStatus } from './status';
import { addSteering } from './steering';
import { addSync, addValidate } from './sync';

const ENVIRONMENT = `
Environment:
  MUSTER_URL         where the API answers; default: what .muster/api-url says, else http://127.0.0.1:8080
  MUSTER_TOKEN       the token; or MUSTER_TOKEN_FILE; default: .muster/admin-token in the current folder
  NO_COLOR           no colours

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 Muster is not reachable.`;

/** The command line. A user is named by username, by Muster's id, or as external:<id>. */
export function createProgram(): Command {
  const program = new Command('muster')
    .description('Muster gives every member the accounts and groups they should have, in every service.')
    .option('--json', "print the API's JSON instead of text")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(see `muster --help`)')
    .addHelpText('after', ENVIRONMENT)
    .exitOverride();
  program.addCommand(startCommand());
  addImport(program);
  addStatus(program);
  addExplain(program);
  addSync(program);
  addValidate(program);
  addGuard(program);
  addOperations(program);
  addServices(program);
  addSteering(program);
  addReconcile(program);
  addMaintenance(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}
