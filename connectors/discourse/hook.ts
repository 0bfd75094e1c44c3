import { ServiceHook, isServiceError } from '@muster/sdk';
import type { HookRequest, HookResponse, HookRouter, HookUser } from '@muster/sdk';
import { z } from 'zod';

const Query = z.object({ sso: z.string().min(1), sig: z.string().min(1) });
const Answer = z.object({ location: z.string() });

/**
 * Muster as the forum's DiscourseConnect provider: the forum's `discourse_connect_url` is `/services/<name>/sso`. Whoever comes from
 * there, is signed in and has the right to the forum is sent back logged in, with their groups under way.
 */
export class DiscourseHook extends ServiceHook {
  override routes(router: HookRouter): void {
    router.get('/sso', (request) => this.#login(router, request));
  }

  async #login(router: HookRouter, { query, user }: HookRequest): Promise<HookResponse> {
    const parsed = Query.safeParse(query);
    if (user === undefined || !parsed.success) return text(400, 'Come here from the forum.');
    if (!(await this.serviceActiveForUser(user))) return text(403, 'You have no right to this forum.');
    const answer = Answer.safeParse(await this.#ask(router, { ...parsed.data, ...(await this.#person(user)) }));
    if (!answer.success) return text(403, 'The forum and Muster do not understand each other; tell an administrator.');
    // The account is there now, so the wish to have it can be fulfilled: groups and all.
    await this.createAccount(user);
    return { status: 302, headers: { location: answer.data.location, 'cache-control': 'no-store' } };
  }

  /** undefined = refused: a signature that is wrong, a person without a mail address. What it was stands in the log. */
  async #ask(router: HookRouter, arrival: object): Promise<unknown> {
    try {
      return await router.call('sso', arrival);
    } catch (error) {
      if (isServiceError(error) && error.kind === 'rejected') return undefined;
      throw error;
    }
  }

  async #person({ id, username, displayName, email }: HookUser): Promise<object> {
    const { name } = await this.context.port.account(id);
    return { userId: id, username: name ?? username, name: displayName, email };
  }
}

function text(status: number, body: string): HookResponse {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}
