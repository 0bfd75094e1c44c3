import { homePages } from './pages/home';
import { myServicesPages } from './pages/my-services';
import { signInPages } from './pages/sign-in';
import { startPages } from './pages/start';
import { operatorPages } from './operator/pages';
import type { Authenticator } from '../auth/authenticator';
import type { PageDefinition } from './page';

/** Every page. A new file of pages is named here, and its entries of the menu in menu.ts. */
export function allPages(authenticator: Authenticator): readonly PageDefinition[] {
  return [...homePages, ...signInPages, ...startPages(authenticator), ...myServicesPages, ...operatorPages];
}
