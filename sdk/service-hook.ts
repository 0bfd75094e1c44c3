import { renderServiceControl } from './service-control';
import type { HookContext, HookUser, RemovalAnswer, ServiceControlRequest, ServiceControlView } from './hook';
import type { Secret } from './manager';
import type { HookRouter } from './hook-router';

/**
 * What Muster calls on a service. Every member is optional to override; the base does the ordinary thing: it starts the
 * workflow that converges the account. Where a member is overridden, the override is called instead, on every trigger;
 * call `super` to go on with the ordinary thing. An override that does not hand over to the base has done the work.
 *
 * A new instance is built for every use: keep no state in it.
 */
export class ServiceHook {
  /** Unique among services: the configured name. */
  readonly name: string;
  readonly serviceUrl: string | undefined;
  /** Default name template, e.g. `{username}`; the service's own configuration comes before it. */
  readonly nameFormat: string | undefined = undefined;
  /** Default display-name template. */
  readonly nicknameFormat: string | undefined = undefined;
  /**
   * People for whom this format says the same, and not nothing, share one account, e.g. `{attributes.mainCharacter}`; it is in the
   * groups of all of them. The service's own setting comes before it.
   */
  readonly sharedBy: string | undefined = undefined;
  protected readonly context: HookContext;

  constructor(context: HookContext) {
    this.context = context;
    this.name = context.service.name;
    this.serviceUrl = context.service.url;
  }

  /** What people read. Default: the configured title, else the name with capital first letters. */
  get title(): string {
    return (
      this.context.service.title ??
      this.name.replace(
        /(^|[\s_-])(\p{L})/gu,
        (_all, gap: string, letter: string) => (gap ? ' ' : '') + letter.toUpperCase(),
      )
    );
  }

  /** The service is activated for a person, or a newly entitled one is due on an automatic service. */
  async createAccount(user: HookUser): Promise<void> {
    await this.context.port.start('createAccount', user.id);
  }

  /** Removes the account. `deleted` only when this call took it away. */
  async deleteUser(user: HookUser, options: { readonly notifyUser?: boolean } = {}): Promise<RemovalAnswer> {
    return this.context.port.remove(user.id, { notifyUser: options.notifyUser ?? false });
  }

  /** Takes the account away, and tells the person, if it is there and they are not entitled. */
  async validateUser(user: HookUser): Promise<void> {
    await this.context.port.start('validateUser', user.id, { notifyUser: true });
  }

  async updateGroups(user: HookUser): Promise<void> {
    await this.context.port.start('updateGroups', user.id);
  }

  async updateGroupsBulk(users: readonly HookUser[]): Promise<void> {
    await this.context.port.bulk(
      'groups',
      users.map((user) => user.id),
    );
  }

  async updateAllGroups(): Promise<void> {
    await this.context.port.bulk('groups', undefined);
  }

  async updateProfile(user: HookUser): Promise<void> {
    await this.context.port.start('updateProfile', user.id);
  }

  async syncNickname(user: HookUser): Promise<void> {
    await this.context.port.start('syncNickname', user.id);
  }

  async syncNicknamesBulk(users: readonly HookUser[]): Promise<void> {
    await this.context.port.bulk(
      'nicknames',
      users.map((user) => user.id),
    );
  }

  /** Sets the password that the person chose. */
  async setPassword(user: HookUser, secret: Secret): Promise<void> {
    await this.context.port.password(user.id, secret);
  }

  /** Makes a new random password; it is shown once, after it has been applied. */
  async resetPassword(user: HookUser): Promise<void> {
    await this.context.port.password(user.id, undefined);
  }

  /** Has this person the right to the service? Default: the union of the grants, and of `serviceEnabledFor` their state. */
  async serviceActiveForUser(user: HookUser): Promise<boolean> {
    if (!user.active) return false;
    if (this.serviceEnabledFor(user.state)) return true;
    return this.context.port.granted(user.id);
  }

  /** Is the service enabled for everybody in this state? Default: the two older questions below. */
  serviceEnabledFor(state: string): boolean {
    if (state === 'Member') return this.serviceEnabledMembers();
    if (state === 'Blue') return this.serviceEnabledBlues();
    return false;
  }

  /** The older way to say it for the state Member. */
  serviceEnabledMembers(): boolean {
    return false;
  }

  /** The older way to say it for the state Blue. */
  serviceEnabledBlues(): boolean {
    return false;
  }

  /** Is the row shown on this person's services page? Showing is not the same as having the right. */
  async showServiceControl(user: HookUser, _state: string): Promise<boolean> {
    return this.serviceActiveForUser(user);
  }

  /** One `<tr>` with four cells: name, username, URL, buttons. Everything is escaped by the default template. */
  async renderServiceControl(request: ServiceControlRequest): Promise<string> {
    return this.serviceControlTemplate({
      serviceName: this.title,
      serviceUrl: this.serviceUrl,
      username: request.account.name ?? undefined,
      status: request.account.status,
      urls: request.urls,
      buttons: [],
    });
  }

  /** The row's template; override it for a row of your own. */
  serviceControlTemplate(view: ServiceControlView): string {
    return renderServiceControl(view);
  }

  /** Own routes, mounted under `/services/<name>/`; a signed-in person is required unless a path is listed as public. */
  routes(_router: HookRouter): void {}
}

/** The members whose override takes the place of the ordinary path. */
export const HOOK_MEMBERS = [
  'createAccount',
  'deleteUser',
  'validateUser',
  'updateGroups',
  'updateGroupsBulk',
  'updateAllGroups',
  'updateProfile',
  'syncNickname',
  'syncNicknamesBulk',
  'setPassword',
  'resetPassword',
  'serviceActiveForUser',
  'serviceEnabledFor',
  'showServiceControl',
  'renderServiceControl',
  'routes',
] as const;
export type HookMember = (typeof HOOK_MEMBERS)[number];

/** The members that this hook overrides, in whatever class of its chain (a mixin counts). */
export function hookOverrides(hook: ServiceHook): ReadonlySet<HookMember> {
  const members = hook as unknown as Record<string, unknown>;
  const base = ServiceHook.prototype as unknown as Record<string, unknown>;
  return new Set(HOOK_MEMBERS.filter((member) => members[member] !== base[member]));
}
