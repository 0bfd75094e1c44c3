import { Gone } from '@muster/sdk';
import type { AccountKey, CallContext, Page, RemoteAccount, RemoteGroup } from '@muster/sdk';
import { WebhookManager } from './manager';
import { AccountsAnswer, FindAnswer, GroupsAnswer } from './schema';

/**
 * As the webhook, for a receiver that also answers who is there: a removal is verified, a lost answer is read back, and a
 * sync compares. These answers must be written out: an empty one is no directory.
 */
export class DirectoryManager extends WebhookManager {
  static override readonly membership = 'by account';

  async findAccount({ userId, owner }: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    try {
      const body = { call: 'findAccount', account: { userId, owner } };
      const { account } = await this.sender.send(body, FindAnswer, call);
      return account === null ? undefined : defined(account);
    } catch (error) {
      if (error instanceof Gone) return undefined;
      throw error;
    }
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const { items, next } = await this.sender.send({ call: 'listAccounts', cursor }, AccountsAnswer, call);
    return { items: items.map(defined), ...(next === undefined ? {} : { next }) };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const { items, next } = await this.sender.send({ call: 'listGroups', cursor }, GroupsAnswer, call);
    return { items: items.map(defined), ...(next === undefined ? {} : { next }) };
  }
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the keys that the receiver left out. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
