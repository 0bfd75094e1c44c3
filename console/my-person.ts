import { Problem } from '../api/problem';
import { readPerson } from '../store/people';
import type { HookUser } from '../sdk/hook';
import type { PageRequest } from './page';

/** The person whose pages these are. @throws Problem forbidden for logins without a person */
export async function myPerson({ context, visitor }: PageRequest): Promise<HookUser> {
  const { userId } = visitor.principal;
  const person = userId === undefined ? undefined : await readPerson(context.db, userId);
  if (person === undefined) throw new Problem('forbidden', 'This login belongs to no person.');
  return person;
}

/** Parameters of routes about oneself. */
export const ME = { user: 'me' } as const;
