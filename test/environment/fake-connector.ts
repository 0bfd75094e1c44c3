import { z } from 'zod';
import { defineConnector } from '../../sdk/index';
import type { Connector, HookContext, ServiceHook } from '../../sdk/index';

/** A manager that can do everything and is never called: for tests of what the API offers. */
class AbleManager {
  static readonly membership = 'by account';
}

const METHODS = [
  'testConnection',
  'createAccount',
  'updateAccount',
  'deleteAccount',
  'setNickname',
  'setPassword',
  'setGroups',
] as const;

for (const method of METHODS) {
  Object.defineProperty(AbleManager.prototype, method, {
    value: () => Promise.reject(new Error('the API never calls a manager')),
  });
}

/** A connector of the kind `example` whose service can do everything. */
export function ableConnector(hook?: (context: HookContext) => ServiceHook): Connector {
  return defineConnector({
    kind: 'example',
    title: 'Example',
    sdk: 1,
    config: z.record(z.string(), z.unknown()),
    manager: AbleManager,
    ...(hook === undefined ? {} : { hook }),
  });
}

/** A connector of the kind `bare` whose service can do nothing. */
export function bareConnector(): Connector {
  return defineConnector({ kind: 'bare', title: 'Bare', sdk: 1, config: z.record(z.string(), z.unknown()) });
}
