import { sql as people } from './0001-people';
import { sql as accounts } from './0002-accounts';
import { sql as steering } from './0003-steering';
import { sql as budgets } from './0004-budgets';
import { sql as syncLifecycle } from './0005-sync-lifecycle';
import { sql as resilience } from './0006-resilience';
import { sql as firstRuns } from './0007-first-runs';
import { sql as identity } from './0009-identity';
import { sql as externalAccounts } from './0010-external-accounts';
import { sql as oidcLogins } from './0011-oidc-logins';
import { sql as mails } from './0012-mails';
import { sql as consoleSessions } from './0013-console-sessions';
import { sql as importDrafts } from './0014-import-drafts';
import { sql as bulkShare } from './0015-bulk-share';
import { sql as clientWrites } from './0016-client-writes';
import { sql as sharedAccounts } from './0017-shared-accounts';
import { sql as search } from './0018-search';
import { sql as accountStatements } from './0020-account-statements';
import { sql as fairShare } from './0021-fair-share';

/** Every migration in order. Numbered, never edited once released. */
export const migrations: Readonly<Record<string, string>> = {
  '0001-people': people,
  '0002-accounts': accounts,
  '0003-steering': steering,
  '0004-budgets': budgets,
  '0005-sync-lifecycle': syncLifecycle,
  '0006-resilience': resilience,
  '0007-first-runs': firstRuns,
  '0009-identity': identity,
  '0010-external-accounts': externalAccounts,
  '0011-oidc-logins': oidcLogins,
  '0012-mails': mails,
  '0013-console-sessions': consoleSessions,
  '0014-import-drafts': importDrafts,
  '0015-bulk-share': bulkShare,
  '0016-client-writes': clientWrites,
  '0017-shared-accounts': sharedAccounts,
  '0018-search': search,
  '0020-account-statements': accountStatements,
  '0021-fair-share': fairShare,
};
