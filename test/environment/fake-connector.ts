import { z } from 'zod';
import { defineConnector } from '../../sdk/index';
import type { Connector, HookContext, Manager, ServiceHook } from '../../sdk/index';

const uncalled = (): Promise<never> => Promise.reject(new Error('the API never calls a manager'));

/** A manager that can do everything and is never called: for tests of what the API offers. */
class AbleManager implements Manager {
  static readonly membership = 'by account';
  testConnection(): Promise<never> {
    return uncalled();
  }
  createAccount(): Promise<never> {
    return uncalled();
  }
  updateAccount(): Promise<never> {
    return uncalled();
  }
  deleteAccount(): Promise<never> {
    return uncalled();
  }
  setNickname(): Promise<never> {
    return uncalled();
  }
  setPassword(): Promise<never> {
    return uncalled();
  }
  setGroups(): Promise<never> {
    return uncalled();
  }
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
