import { Gone, Misconfigured, Rejected } from '@muster/sdk';
import type {
  AccountProfile,
  AccountRef,
  CallContext,
  ConnectionReport,
  CreateOutcome,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  ManagedGroups,
  Manager,
  NewAccount,
  NewGroup,
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import { CALLS, CreateAnswer, GroupAnswer, RemoveAnswer, TestAnswer, WriteAnswer } from './schema';
import type { Call, WebhookConfig } from './schema';
import { Sender } from './sender';

/**
 * Tells a receiver what to do, one signed call for each method. The receiver keeps our key (`userId` and `owner`) and finds
 * accounts again by it; every call says how it should be, so the same call may come twice.
 */
export class WebhookManager implements Manager {
  static readonly membership = 'by account';
  protected readonly sender: Sender;
  readonly #wanted: ReadonlySet<Call>;

  constructor(config: WebhookConfig) {
    this.sender = new Sender(config);
    this.#wanted = new Set(config.calls ?? CALLS);
  }

  /** A receiver that answers with success is content, unless it says what is missing. */
  async testConnection(call: CallContext): Promise<ConnectionReport> {
    try {
      const { ok, missing, remote } = await this.sender.send({ call: 'testConnection' }, TestAnswer, call);
      return { ok: ok && missing.length === 0, missing, ...(remote === undefined ? {} : { remote }) };
    } catch (error) {
      if (error instanceof Misconfigured || error instanceof Gone || error instanceof Rejected) {
        return { ok: false, missing: [`The receiver does not take the call. ${error.message}`] };
      }
      throw error;
    }
  }

  /** A receiver that names no id of its own is given ours: the person's. */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    if (!this.#wanted.has('createAccount')) return { outcome: 'created', remoteId: key.userId, name: profile.name };
    const account = { userId: key.userId, owner: key.owner };
    const answer = await this.sender.send({ call: 'createAccount', account, profile }, CreateAnswer, call);
    if (answer.outcome === 'in progress') return answer;
    if (answer.outcome === 'action required') return actionRequired(answer);
    return { outcome: answer.outcome, remoteId: answer.remoteId ?? key.userId, name: answer.name ?? profile.name };
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    return this.#write('updateAccount', { account: accountOf(ref), profile }, call);
  }

  async setNickname(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome> {
    return this.#write('setNickname', { account: accountOf(ref), nickname }, call);
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#write('enableAccount', { account: accountOf(ref) }, call);
  }

  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#write('disableAccount', { account: accountOf(ref) }, call);
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#remove('deleteAccount', { account: accountOf(ref) }, call);
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#remove('endSessions', { account: accountOf(ref) }, call);
  }

  /** The password itself is in the body: it goes over https only. */
  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    if (!this.#wanted.has('setPassword')) {
      throw new Rejected('This receiver takes no passwords.', { code: 'no-passwords' });
    }
    this.sender.checkConfidential();
    return this.#write('setPassword', { account: accountOf(ref), password: secret.reveal() }, call);
  }

  async setGroups(ref: AccountRef, { wanted, managed }: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    return this.#write('setGroups', { account: accountOf(ref), wanted, managed }, call);
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    if (!this.#wanted.has('ensureGroup')) return { outcome: 'created', remoteId: group.key, name: group.name };
    const answer = await this.sender.send({ call: 'ensureGroup', group }, GroupAnswer, call);
    return { outcome: answer.outcome, remoteId: answer.remoteId ?? group.key, name: answer.name ?? group.name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    return this.#write('renameGroup', { group: ref, name }, call);
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#remove('removeGroup', { group: ref }, call);
  }

  async close(): Promise<void> {
    await this.sender.close();
  }

  async #write(name: Call, body: object, call: CallContext): Promise<WriteOutcome> {
    if (!this.#wanted.has(name)) return 'unchanged';
    try {
      return (await this.sender.send({ call: name, ...body }, WriteAnswer, call)).outcome;
    } catch (error) {
      // A group that is missing is told as it is: the account is still there.
      if (error instanceof Gone && !(name === 'setGroups' && error.what === 'group')) return 'gone';
      throw error;
    }
  }

  async #remove(name: Call, body: object, call: CallContext): Promise<DeleteOutcome> {
    if (!this.#wanted.has(name)) return 'nothing there';
    try {
      return (await this.sender.send({ call: name, ...body }, RemoveAnswer, call)).outcome;
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
  }
}

/** Which account a call is about, with the key that the receiver compares. */
function accountOf({ remoteId, name, key }: AccountRef): object {
  return { userId: key.userId, owner: key.owner, remoteId, name };
}

function actionRequired(answer: Extract<CreateAnswer, { outcome: 'action required' }>): CreateOutcome {
  const { outcome, instruction, remoteId, expiresInMs, checkAfterMs } = answer;
  return {
    outcome,
    instruction,
    ...(remoteId === undefined ? {} : { remoteId }),
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
    ...(checkAfterMs === undefined ? {} : { checkAfterMs }),
  };
}
