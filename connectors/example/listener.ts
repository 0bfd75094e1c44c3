import { appendFile } from 'node:fs/promises';
import { ServiceHook, defineConnector } from '@muster/sdk';
import type { HookUser, RemovalAnswer } from '@muster/sdk';
import { z } from 'zod';

const ListenerConfig = z.strictObject({
  /** Gets one line of JSON for every call. */
  file: z.string().min(1).describe('Where the lines go.'),
});

/**
 * A hook that has no manager: it only wants the calls. It hands nothing over to the base, so no workflow starts and no
 * account is kept; it is told what happened to whom, on every trigger, and may be told twice.
 */
export class ListenerHook extends ServiceHook {
  override async createAccount(user: HookUser): Promise<void> {
    await this.#write('createAccount', [user]);
  }

  /** `nothing there`: this service holds no accounts, so nothing was taken away. */
  override async deleteUser(user: HookUser): Promise<RemovalAnswer> {
    await this.#write('deleteUser', [user]);
    return 'nothing there';
  }

  override async validateUser(user: HookUser): Promise<void> {
    await this.#write('validateUser', [user]);
  }

  override async updateGroups(user: HookUser): Promise<void> {
    await this.#write('updateGroups', [user]);
  }

  override async updateGroupsBulk(users: readonly HookUser[]): Promise<void> {
    await this.#write('updateGroupsBulk', users);
  }

  override async updateAllGroups(): Promise<void> {
    await this.#write('updateAllGroups', []);
  }

  override async updateProfile(user: HookUser): Promise<void> {
    await this.#write('updateProfile', [user]);
  }

  override async syncNickname(user: HookUser): Promise<void> {
    await this.#write('syncNickname', [user]);
  }

  override async syncNicknamesBulk(users: readonly HookUser[]): Promise<void> {
    await this.#write('syncNicknamesBulk', users);
  }

  /** Nobody activates anything here, so there is no row to show. */
  override async showServiceControl(): Promise<boolean> {
    return false;
  }

  /** One append is one write, so lines of several processes do not mix. */
  async #write(call: string, users: readonly HookUser[]): Promise<void> {
    const { file } = ListenerConfig.parse(this.context.service.settings);
    const lines = (users.length === 0 ? [undefined] : users).map((user) =>
      JSON.stringify(entry(this.name, call, user)),
    );
    await appendFile(file, `${lines.join('\n')}\n`);
  }
}

function entry(service: string, call: string, user: HookUser | undefined): object {
  if (user === undefined) return { service, call };
  return {
    service,
    call,
    userId: user.id,
    username: user.username,
    groups: user.groups,
    state: user.state,
    active: user.active,
  };
}

/** A kind of service without a manager. */
export const listener = defineConnector({
  kind: 'listener',
  title: 'Listener',
  sdk: 1,
  config: ListenerConfig,
  hook: (context) => new ListenerHook(context),
});
