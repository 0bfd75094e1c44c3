import { Conflict, isServiceError, Rejected } from '@muster/sdk';
import type { CreateOutcome, RemoteAccount } from '@muster/sdk';
import { candidateName, chooseFormat, formatName } from '../domain/names';
import type { CleanRules } from '../domain/names';
import type { Profile } from '../domain/decide';
import { markNameTaken } from '../store/account-names';
import { bumpGroupsOf } from '../store/group-members';
import type { RemoteFacts } from '../store/settle';
import { waitForPerson } from './wait-for-person';
import { RoundEnds, RoundStopped } from './round';
import type { Round } from './round';

/** Strangers' names that are stepped over before the account is given up as impossible. */
const MAX_CONFLICTS = 20;

/** What the account should look like: names by the formats, cleaned for the service, reserved (rule 6). null = the person is gone. */
export async function planProfile(round: Round, hookFormats: HookFormats): Promise<Profile | null> {
  const { user } = round.situation;
  if (user === null) return null;
  const { service, entry } = round;
  const { format } = chooseFormat(
    { nameFormats: service.nameFormats, nameFormat: service.nameFormat, hookFormat: hookFormats.name },
    user.state,
  );
  const name = await reserve(round, formatName(format, user), entry.connector.names);
  if (name === undefined) {
    throw new Rejected(`no name that the service takes can be made from the format "${format}"`, {
      code: 'name-impossible',
    });
  }
  const nickname = formatName(service.nicknameFormat ?? hookFormats.nickname ?? '{displayName}', user);
  return { name, nickname, displayName: user.displayName, email: user.email, attributes: user.attributes };
}

/** The first name it asks for needs no statement if it is this account's already, as it mostly is. */
function reserve(round: Round, wanted: string, rules: CleanRules | undefined): Promise<string | undefined> {
  const { serviceId, userId } = round.situation;
  const first = candidateName(wanted, 0, rules);
  if (round.heldNames.has(first)) return Promise.resolve(first);
  return round.deps.writes.name({ serviceId, userId, name: wanted, rules }, round.call.lane);
}

export interface HookFormats {
  readonly name: string | undefined;
  readonly nickname: string | undefined;
}

/** Creates the account under an intent; steps to the next name when a stranger has this one. */
export async function createAccount(round: Round, hookFormats: HookFormats): Promise<void> {
  await withFreeName(round, hookFormats, (profile) => createOnce(round, profile));
}

/** Does what needs a name that nobody else has at the far side: with the next name when a stranger has this one. */
export async function withFreeName(
  round: Round,
  hookFormats: HookFormats,
  work: (profile: Profile) => Promise<void>,
): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    if (round.profile === null) throw new Error('an account without a person is never created');
    try {
      return await work(round.profile);
    } catch (error) {
      if (!isServiceError(error) || error.kind !== 'conflict') throw error;
      await markNameTaken(round.deps.db, round.service.id, round.profile.name);
      round.heldNames.delete(round.profile.name);
      round.profile = await planProfile(round, hookFormats);
    }
  }
  throw new Rejected('every name that was tried is taken by somebody else on the service', { code: 'names-taken' });
}

async function createOnce(round: Round, profile: Profile): Promise<void> {
  const { entry } = round;
  round.passes('create:before-intent');
  const intent = new TimedIntent(round, profile.name);
  await intent.record();
  round.passes('create:after-intent');
  try {
    const created = await round.ask(
      async (context) => entry.manager.createAccount?.({ key: round.key, profile }, context),
      () => intent.keep(),
    );
    round.passes('create:after-call');
    if (created === undefined) throw new Conflict('the service cannot create accounts');
    await settleCreation(round, profile, created);
  } catch (error) {
    // A definite refusal means that nothing was made; only when that is unknown must the intent stay.
    const isRefused = isServiceError(error) && error.kind !== 'unavailable';
    if (isRefused || error instanceof RoundStopped) await round.writeFacts({});
    throw error;
  }
}

/**
 * An intent whose deadline lies behind the end of the call, however long the call waits for its slot: who finds the intent
 * acts as soon as the deadline has passed, and the call must be over by then.
 */
class TimedIntent {
  #recordedAt = 0;

  constructor(
    private readonly round: Round,
    private readonly name: string,
  ) {}

  async record(): Promise<void> {
    // Taken before the statement: the database's deadline is later than ours, never earlier.
    this.#recordedAt = performance.now();
    const { deps, lease, call } = this.round;
    const timeoutMs = deps.callTimeoutMs + this.#slackMs;
    await deps.writes.intent(lease, { call: 'createAccount', name: this.name, timeoutMs }, call.lane);
  }

  /** Call right before the call: records the intent anew if the slot came late. */
  async keep(): Promise<void> {
    while (performance.now() - this.#recordedAt > this.#slackMs) await this.record();
  }

  get #slackMs(): number {
    return Math.ceil(this.round.deps.callTimeoutMs / 3);
  }
}

async function settleCreation(round: Round, profile: Profile, created: CreateOutcome): Promise<void> {
  switch (created.outcome) {
    case 'created':
      await appears(round, 'create', {
        status: 'active',
        remoteId: created.remoteId,
        remoteName: created.name,
        appliedProfile: { ...profile, name: created.name },
        appliedGroups: null,
        instruction: null,
      });
      return;
    case 'already existed':
      await adopt(round, { remoteId: created.remoteId, name: created.name, enabled: true });
      return;
    case 'action required':
      return waitForPerson(round, created);
    case 'in progress':
      throw new RoundEnds({ outcome: 'being created', attention: 'waiting', nextTryMs: created.checkAfterMs });
  }
}

/** The account can be used now. Where members are kept by group its groups are due with it, or it would join none. */
export async function appears(round: Round, did: string, facts: RemoteFacts): Promise<void> {
  const { service, situation, call } = round;
  if (service.membership !== 'by group') return round.commit(did, facts);
  return round.commit(did, facts, (client) => bumpGroupsOf(client, situation, call.lane));
}

/** An account that carries our key is ours: what it looks like is unknown, so everything is written once. */
async function adopt(round: Round, found: RemoteAccount): Promise<void> {
  await appears(round, 'find', {
    status: found.enabled === false ? 'disabled' : 'active',
    remoteId: found.remoteId,
    remoteName: found.name,
    appliedProfile: null,
    appliedGroups: null,
  });
}

/**
 * Settles what an earlier holder left open (rule 5): waits until its call can no longer happen, then reads back. Answers
 * true when facts changed and the situation must be read again.
 */
export async function settleUnknown(round: Round): Promise<boolean> {
  const { situation, entry } = round;
  if (situation.intent === null && !situation.verify) return false;
  if (situation.intentWaitMs > 0) {
    throw new RoundEnds({
      outcome: 'an earlier call may still happen',
      attention: 'waiting',
      nextTryMs: situation.intentWaitMs,
    });
  }
  if (!entry.abilities.has('findAccount')) {
    await round.writeFacts({});
    return true;
  }
  const found = await round.ask(async (context) => entry.manager.findAccount?.(round.key, context));
  if (found !== undefined) await adopt(round, found);
  else if (situation.remoteId !== null) await round.writeFacts(gone);
  else await round.writeFacts({});
  return true;
}

const gone = { status: 'none', remoteId: null, remoteName: null, appliedProfile: null, appliedGroups: null } as const;
