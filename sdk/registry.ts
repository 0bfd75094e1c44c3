import type { HookContext } from './hook';
import type { HookHandler } from './hook-router';
import type { ServiceHook } from './service-hook';

/** An entry of the menu. */
export interface MenuItem {
  readonly label: string;
  readonly url: string;
  /** Lower numbers come first. Default 100. */
  readonly order?: number;
}

/** A page of a module's own, outside any service. A signed-in person is required unless it is public. */
export interface UrlHook {
  readonly path: string;
  readonly handler: HookHandler;
  readonly isPublic?: boolean;
}

/** The kinds of hooks that a module can register, and what makes each. */
export interface HookFactories {
  readonly service: (context: HookContext) => ServiceHook;
  readonly menuItem: () => MenuItem;
  readonly urls: () => readonly UrlHook[];
}

/** A registered hook. */
export type Registration = {
  readonly [Kind in keyof HookFactories]: { readonly kind: Kind; readonly factory: HookFactories[Kind] };
}[keyof HookFactories];

let pending: Registration[] = [];

/** Registers a hook of the module being loaded. A `service` hook becomes the hook of the module's connector, or a service kind without a manager. */
export function registerHook<Kind extends keyof HookFactories>(kind: Kind, factory: HookFactories[Kind]): void {
  pending.push({ kind, factory } as Registration);
}

/** What has been registered since the last call. Called by the loader right after it loaded one module. */
export function takeRegistrations(): readonly Registration[] {
  const taken = pending;
  pending = [];
  return taken;
}
