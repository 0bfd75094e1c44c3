import { choosePasswordPages } from './pages/choose-password';
import { forgottenPages } from './pages/forgotten';
import { homePages } from './pages/home';
import { myAccountPages } from './pages/my-account';
import { myGroupPages } from './pages/my-groups';
import { myLinkedPages } from './pages/my-linked';
import { myNotificationPages } from './pages/my-notifications';
import { myPasswordPages } from './pages/my-passwords';
import { myServicesPages } from './pages/my-services';
import { mySignInPages } from './pages/my-sign-in';
import { signInPages } from './pages/sign-in';
import { startPages } from './pages/start';
import { operatorPages } from './operator/pages';
import type { Authenticator } from '../auth/authenticator';
import type { PageDefinition } from './page';

const personPages: readonly PageDefinition[] = [
  ...myServicesPages,
  ...myAccountPages,
  ...myPasswordPages,
  ...myGroupPages,
  ...myLinkedPages,
  ...myNotificationPages,
  ...mySignInPages,
];

/** Every page. A new file of pages is named here, and its entries of the menu in menu.ts. */
export function allPages(authenticator: Authenticator): readonly PageDefinition[] {
  return [
    ...homePages,
    ...signInPages,
    ...forgottenPages,
    ...choosePasswordPages,
    ...startPages(authenticator),
    ...personPages,
    ...operatorPages,
  ];
}
