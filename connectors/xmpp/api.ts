import { createHmac } from 'node:crypto';
import { HttpClient, Misconfigured, Rejected, isServiceError, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer } from '@muster/sdk';
import type { z } from 'zod';
import { ApiError, Code, GroupInfo, Kicked, Names, Stored } from './schema';
import type { XmppConfig } from './schema';

/** What one group of contacts is. */
export interface SharedGroup {
  readonly label: string;
  readonly description: string;
}

/** The commands of ejabberd that Muster uses, each one request. */
export class EjabberdApi {
  readonly host: string;
  readonly #http: HttpClient;
  readonly #user: string;
  readonly #userHost: string;
  readonly #showMembers: boolean;
  readonly #seed: string;

  constructor(config: XmppConfig) {
    const [user = '', userHost = ''] = config.user.split('@');
    this.#user = user;
    this.#userHost = userHost;
    this.host = config.host ?? userHost;
    this.#showMembers = config.showMembers ?? true;
    this.#seed = config.password;
    const basic = Buffer.from(`${config.user}:${config.password}`).toString('base64');
    const headers = { authorization: `Basic ${basic}` };
    this.#http = new HttpClient({ baseUrl: config.url, headers, tls: tlsOf(config), translate: failureOf });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** Our own account is no member's. */
  isOurs(localPart: string): boolean {
    return localPart === this.#user && this.host === this.#userHost;
  }

  /** Throws Conflict when the name is taken, Rejected when it cannot be one. */
  async register(user: string, password: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'register', body: { user, host: this.host, password } }, call);
  }

  async unregister(user: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'unregister', body: { user, host: this.host } }, call);
  }

  async exists(user: string, call: CallContext): Promise<boolean> {
    return (await this.#ask({ command: 'check_account', body: { user, host: this.host }, answer: Code }, call)) === 0;
  }

  async isPassword(user: string, password: string, call: CallContext): Promise<boolean> {
    const body = { user, host: this.host, password };
    return (await this.#ask({ command: 'check_password', body, answer: Code }, call)) === 0;
  }

  /** Throws Gone when there is no such account. */
  async changePassword(user: string, newpass: string, call: CallContext): Promise<void> {
    const request = { method: 'POST', path: '/change_password', notFound: 'gone' } as const;
    await this.#http.request({ ...request, body: { user, host: this.host, newpass } }, call);
  }

  async ban(user: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'ban_account', body: { user, host: this.host, reason: 'disabled' } }, call);
  }

  /** Since 24.06; before, a ban is a password that nobody knows, and there is nothing to lift. */
  async unban(user: string, call: CallContext): Promise<void> {
    const request = { method: 'POST', path: '/unban_account', notFound: 'gone' } as const;
    try {
      await this.#http.request({ ...request, body: { user, host: this.host } }, call);
    } catch (error) {
      if (!isServiceError(error) || error.kind !== 'gone') throw error;
    }
  }

  /** Answers how many sessions were ended. */
  kick(user: string, call: CallContext): Promise<number> {
    return this.#ask({ command: 'kick_user', body: { user, host: this.host }, answer: Kicked }, call);
  }

  async setNickname(user: string, nickname: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'set_nickname', body: { user, host: this.host, nickname } }, call);
  }

  registered(call: CallContext): Promise<readonly string[]> {
    return this.#ask({ command: 'registered_users', body: { host: this.host }, answer: Names }, call);
  }

  /** Reads an element of our own private storage (XEP-0049), which nobody else can read or write. */
  read(ns: string, call: CallContext): Promise<string> {
    const body = { user: this.#user, host: this.#userHost, element: 'm', ns };
    return this.#ask({ command: 'private_get', body, answer: Stored }, call);
  }

  async store(element: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'private_set', body: { user: this.#user, host: this.#userHost, element } }, call);
  }

  /** Makes the group, or overwrites what it is called; its members stay. */
  async saveGroup(group: string, { label, description }: SharedGroup, call: CallContext): Promise<void> {
    const display = this.#showMembers ? group : '';
    await this.#send({ command: 'srg_create', body: { group, host: this.host, label, description, display } }, call);
  }

  async deleteGroup(group: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'srg_delete', body: { group, host: this.host } }, call);
  }

  async group(group: string, call: CallContext): Promise<SharedGroup | undefined> {
    const request = { command: 'srg_get_info', body: { group, host: this.host }, answer: GroupInfo };
    const info = await this.#ask(request, call);
    if (info.length === 0) return undefined;
    const fields = new Map(info.map(({ key, value }) => [key, value]));
    return { label: fields.get('label') ?? group, description: fields.get('description') ?? '' };
  }

  groups(call: CallContext): Promise<readonly string[]> {
    return this.#ask({ command: 'srg_list', body: { host: this.host }, answer: Names }, call);
  }

  async join(user: string, group: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'srg_user_add', body: this.#membership(user, group) }, call);
  }

  async leave(user: string, group: string, call: CallContext): Promise<void> {
    await this.#send({ command: 'srg_user_del', body: this.#membership(user, group) }, call);
  }

  /** A first password that nobody can know, and that we can make again: it proves that we have registered an account. */
  firstPassword(id: string): string {
    return createHmac('sha256', this.#seed).update(`first password of ${id}`).digest('base64url');
  }

  #membership(user: string, group: string): Readonly<Record<string, string>> {
    return { user, host: this.host, group, grouphost: this.host };
  }

  async #send(
    { command, body }: { readonly command: string; readonly body: object },
    call: CallContext,
  ): Promise<void> {
    await this.#http.request({ method: 'POST', path: `/${command}`, body }, call);
  }

  #ask<T>(
    { command, body, answer }: { readonly command: string; readonly body: object; readonly answer: z.ZodType<T> },
    call: CallContext,
  ): Promise<T> {
    return this.#http.request({ method: 'POST', path: `/${command}`, body, answer }, call);
  }
}

/** Some refusals come as 500, and a number of its own. */
function failureOf({ status, body, what }: HttpAnswer): AnyServiceError | undefined {
  const told = status === 500 ? ApiError.safeParse(body) : undefined;
  if (told?.success !== true || told.data.code !== 10_001) return undefined;
  if (/malformed username/i.test(told.data.message)) {
    return new Rejected(`${what}: the name cannot be part of a JID.`, { code: 'name-characters' });
  }
  if (/unknown virtual host/i.test(told.data.message)) {
    return new Misconfigured(`${what}: the server does not serve this host.`, { code: 'host' });
  }
  return undefined;
}
