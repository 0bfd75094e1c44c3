import type { Queryable } from './database';
import { insertNotification } from './notifications';
import type { NewNotification } from './notifications';

/** Tells the operators, in the API and through the webhook if there is one. */
export async function notifyOperators(
  db: Queryable,
  notification: Omit<NewNotification, 'userId' | 'deliver'>,
): Promise<void> {
  await insertNotification(db, { ...notification, userId: null, deliver: true });
}

/** Tells a person. */
export async function notifyUser(
  db: Queryable,
  notification: NewNotification & { readonly userId: string },
): Promise<void> {
  await insertNotification(db, { ...notification, deliver: true });
}
