import { userInPath } from './client';
import { openSession, withExamples } from './command';
import { eventText } from './event';
import { ago, safe } from './output';
import type { Command } from 'commander';
import type { EventView } from './event';
import type { Output } from './output';

interface Explanation {
  readonly service: string;
  readonly user: {
    readonly id: string;
    readonly username: string | null;
    readonly active: boolean;
    readonly state: string | null;
    readonly gone: boolean;
  };
  readonly wanted: boolean;
  readonly why: string;
  readonly grants: readonly { readonly kind: string; readonly subject: string; readonly grantedBy: string }[];
  readonly account: {
    readonly status: string;
    readonly remoteName: string | null;
    readonly instruction: string | null;
    readonly due: boolean;
    readonly lastOutcome: string | null;
    readonly lastWriteAt: string | null;
    readonly lastError: { readonly kind: string; readonly message: string } | null;
    readonly failures: number;
  } | null;
  readonly name: { readonly formatted: string | null; readonly format: string; readonly from: string };
  readonly groups: {
    readonly desired: readonly {
      readonly name: string;
      readonly because: readonly { readonly kind: string; readonly name: string; readonly rule: string }[];
    }[];
    readonly missing: readonly string[];
    readonly surplus: readonly string[];
  };
  readonly nextTry: { readonly at: string | null; readonly why: string };
  readonly staged: readonly { readonly kind: string; readonly decision: string | null }[];
  readonly held: readonly { readonly kind: string; readonly heldBy: string }[];
  readonly events: readonly EventView[];
  readonly operations: readonly {
    readonly id: string;
    readonly kind: string;
    readonly status: string;
    readonly actor: string;
    readonly reason: string | null;
    readonly createdAt: string;
  }[];
}

const SHOWN = 5;

/** `muster explain USER SERVICE` */
export function addExplain(program: Command): void {
  const command = program
    .command('explain <user> <service>')
    .description('says why an account is as it is: the right, the name, the groups, what was done, what comes next')
    .action(async function explain(this: Command, user: string, service: string) {
      const { client, output } = openSession(this);
      const path = `/v1/services/${encodeURIComponent(service)}/accounts/${userInPath(user)}`;
      const explanation = await client.call<Explanation>({ path });
      if (output.json) output.value(explanation);
      else show(output, explanation);
    });
  withExamples(command, [
    ['muster explain ada postgres', 'by username'],
    ['muster explain external:4711 postgres', "by the source's id"],
  ]);
}

function show(output: Output, explanation: Explanation): void {
  const { user, service, wanted, why } = explanation;
  output.line(output.tone('bold', `${safe(user.username ?? user.id)} on ${service}`));
  output.line(`  ${personText(user)}`);
  output.line(`  Should there be an account? ${output.tone(wanted ? 'good' : 'warn', safe(why))}`);
  for (const grant of explanation.grants)
    output.line(`    granted to ${grant.kind} ${safe(grant.subject)} by ${safe(grant.grantedBy)}`);
  showAccount(output, explanation);
  showGroups(output, explanation);
  showHistory(output, explanation);
}

function personText(user: Explanation['user']): string {
  if (user.gone) return 'The person is gone; the account is what is left.';
  return `The person is ${user.active ? 'active' : 'not active'}, state ${safe(user.state ?? 'none')}.`;
}

function showAccount(output: Output, { account, name, nextTry, staged, held }: Explanation): void {
  if (account === null) {
    output.line('  There never was an account.');
  } else {
    const named = account.remoteName === null ? '' : `, name ${safe(account.remoteName)}`;
    output.line(
      `  The account is ${account.status}${named}; last written ${ago(account.lastWriteAt)} (${safe(account.lastOutcome)}).`,
    );
    if (account.instruction !== null) output.line(`  The person must act: ${safe(account.instruction)}`);
    if (account.lastError !== null) {
      output.line(
        output.tone(
          'bad',
          `  It failed ${account.failures} times, last with ${account.lastError.kind}: ${safe(account.lastError.message)}`,
        ),
      );
    }
  }
  output.line(`  Its name comes from "${safe(name.format)}" (${safe(name.from)}): ${safe(name.formatted)}`);
  output.line(`  Next: ${safe(nextTry.why)}${nextTry.at === null ? '' : ` (${nextTry.at})`}`);
  for (const item of staged.filter(({ decision }) => decision === null))
    output.line(output.tone('warn', `  The guard holds a ${item.kind} back until a person decides.`));
  for (const item of held) output.line(output.tone('warn', `  A ${item.kind} was rejected by ${safe(item.heldBy)}.`));
}

function showGroups(output: Output, { groups }: Explanation): void {
  if (groups.desired.length + groups.surplus.length === 0) return;
  output.line('  Groups:');
  for (const group of groups.desired) {
    const mark = groups.missing.includes(group.name) ? output.tone('warn', '+ to be added') : output.tone('good', 'in');
    const because = group.because.map(({ kind, name, rule }) => `${kind} ${name}, ${rule}`).join('; ');
    output.line(`    ${safe(group.name)} ${mark} (${safe(because)})`);
  }
  for (const name of groups.surplus) output.line(`    ${safe(name)} ${output.tone('warn', '- to be removed')}`);
}

function showHistory(output: Output, { events, operations }: Explanation): void {
  if (events.length > 0) output.line('  Last done:');
  for (const event of events.slice(0, SHOWN)) output.line(`    ${ago(event.at)}: ${eventText(event)}`);
  if (operations.length > 0) output.line('  Asked for:');
  for (const operation of operations.slice(0, SHOWN)) {
    const reason = operation.reason === null ? '' : `, "${safe(operation.reason)}"`;
    output.line(
      `    ${ago(operation.createdAt)}: ${safe(operation.kind)} by ${safe(operation.actor)}${reason}, ${operation.status} (${operation.id})`,
    );
  }
}
