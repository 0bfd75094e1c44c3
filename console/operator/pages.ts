import { accountActPages } from './account-acts';
import { accountPages } from './accounts';
import { clientPages } from './clients';
import { comparisonPages } from './comparisons';
import { explainPages } from './explain';
import { groupPages } from './groups';
import { guardPages } from './guard';
import { importPages } from './imports';
import { newServicePages } from './new-service';
import { operationPages } from './operations';
import { overviewPages } from './overview';
import { peoplePages } from './people';
import { personFormPages } from './person-form';
import { planPages } from './plan';
import { rolePages } from './roles';
import { servicePages } from './service';
import { settingsPages } from './settings';
import { grantPages, statePages } from './states-grants';
import { syncPages } from './syncs';
import { tokenPages } from './tokens';
import type { PageDefinition } from '../page';

/** Every page for operators; console/menu.ts has their entries. */
export const operatorPages: readonly PageDefinition[] = [
  ...overviewPages,
  ...newServicePages,
  ...servicePages,
  ...accountPages,
  ...settingsPages,
  ...syncPages,
  ...planPages,
  ...guardPages,
  ...comparisonPages,
  ...peoplePages,
  ...personFormPages,
  ...explainPages,
  ...accountActPages,
  ...groupPages,
  ...statePages,
  ...grantPages,
  ...importPages,
  ...operationPages,
  ...clientPages,
  ...tokenPages,
  ...rolePages,
];
