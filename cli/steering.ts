import { openSession, withExamples } from './command';
import { followOperation } from './operation';
import { safe } from './output';
import type { Command } from 'commander';
import type { OperationBody } from './operation';

interface Options {
  readonly reason?: string;
}

interface PausedService {
  readonly paused: { readonly reason: string; readonly detail: string | null } | null;
}

/** `muster pause|resume|drain SERVICE`: the work on one service by hand. */
export function addSteering(program: Command): void {
  addSwitch(program, 'pause', 'stops all work on a service until it is resumed; nothing is lost');
  addSwitch(program, 'resume', 'goes on with a service, whoever paused it');
  addDrain(program);
}

function addSwitch(program: Command, verb: 'pause' | 'resume', description: string): void {
  const command = program
    .command(`${verb} <service>`)
    .description(description)
    .option('--reason <text>', 'why; shown to everybody who looks at the service')
    .action(async (name: string, options: Options, self: Command) => {
      const { client, output } = openSession(self);
      const request = { method: 'POST', path: pathOf(name, verb), body: bodyOf(options) } as const;
      const service = await client.call<PausedService>(request);
      if (output.json) output.value(service);
      else if (service.paused === null) output.line(`${safe(name)} goes on.`);
      else output.line(`${safe(name)} is paused: ${safe(service.paused.detail ?? service.paused.reason)}`);
    });
  withExamples(command, [[`muster ${verb} postgres --reason "upgrade tonight"`, description.split(';')[0] ?? '']]);
}

function addDrain(program: Command): void {
  const command = program
    .command('drain <service>')
    .description('pauses a service and waits until nothing runs on it any more')
    .option('--reason <text>', 'why; shown to everybody who looks at the service')
    .action(async (name: string, options: Options, self: Command) => {
      const session = openSession(self);
      const request = { method: 'POST', path: pathOf(name, 'drain'), body: bodyOf(options) } as const;
      const { operation } = await session.client.call<OperationBody>(request);
      await followOperation(session, operation.id);
    });
  withExamples(command, [['muster drain postgres --reason "moving it"', 'returns when its last call has ended']]);
}

function pathOf(service: string, verb: string): string {
  return `/v1/services/${encodeURIComponent(service)}/${verb}`;
}

function bodyOf({ reason }: Options): Options {
  return reason === undefined ? {} : { reason };
}
