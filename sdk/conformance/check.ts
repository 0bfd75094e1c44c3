import type { ManagerMethod, Membership } from '../../domain/words';
import { managerAbilities } from '../manager';
import type { Connector } from '../connector';
import type { Bench } from './bench';

/** One rule that every connector keeps. A plain function, so that it can also be tried on a manager broken on purpose. */
export interface Check {
  readonly title: string;
  /** Runs where the manager has all of these. */
  readonly needs: readonly ManagerMethod[];
  readonly membership?: Membership;
  run(bench: Bench): Promise<void>;
}

/** Does the rule concern this connector? */
export function applies(check: Check, connector: Connector): boolean {
  const abilities = managerAbilities(connector.manager);
  if (connector.manager === undefined) return false;
  if (check.membership !== undefined && (connector.manager.membership ?? 'none') !== check.membership) return false;
  return check.needs.every((method) => abilities.includes(method));
}
