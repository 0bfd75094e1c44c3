import { createHash, randomBytes } from 'node:crypto';
import { ServiceHook, isServiceError } from '@muster/sdk';
import type { ConnectorMigration, HookRequest, HookResponse, HookRouter } from '@muster/sdk';
import { z } from 'zod';
import { GuestLogin } from './guests';

const HOUR_MS = 3_600_000;
const Hours = z.object({ hours: z.union([z.literal(3), z.literal(6), z.literal(12), z.literal(24)]) });
const Name = z.object({ name: z.string().min(1).max(40) });

/** Temporary links: each lets in one guest, until it ends. Codes are kept as hashes. */
export const linkTables: readonly ConnectorMigration[] = [
  {
    name: '0001-links',
    sql: `create table links (code_hash bytea primary key, service text not null, made_by text not null,
            expires_at timestamptz not null, guest_id integer);
          create index links_made_by on links (service, made_by)`,
  },
];

/** Whoever has the right to the server may let guests in for some hours, and put them out again. */
export class MumbleHook extends ServiceHook {
  override routes(router: HookRouter): void {
    router.post('/links', (request) => this.#make(request));
    router.post('/links/end', (request) => this.#end(router, request));
    router.publicPost('/links/:code', (request) => this.#use(router, request));
  }

  async #make({ body, user }: HookRequest): Promise<HookResponse> {
    const wish = Hours.safeParse(body);
    if (user === undefined || !(await this.serviceActiveForUser(user)))
      return refused(403, 'You have no right to this.');
    if (!wish.success) return refused(422, 'Say hours: 3, 6, 12 or 24.');
    const code = randomBytes(18).toString('base64url');
    const [link] = await this.context.storage.query(
      `insert into links (code_hash, service, made_by, expires_at) values ($1, $2, $3, clock_timestamp() + make_interval(hours => $4))
       returning expires_at`,
      [hashOf(code), this.name, user.id, wish.data.hours],
    );
    return { status: 201, body: { path: `/services/${this.name}/links/${code}`, expiresAt: link?.['expires_at'] } };
  }

  /** The link is used up first: of two who come at once one gets in. */
  async #use(router: HookRouter, { body, params }: HookRequest): Promise<HookResponse> {
    const guest = Name.safeParse(body);
    if (!guest.success) return refused(422, 'Say a name.');
    const place = [hashOf(params['code'] ?? ''), this.name];
    const [link] = await this.context.storage.query(
      `update links set guest_id = 0 where code_hash = $1 and service = $2 and guest_id is null and expires_at > clock_timestamp()
       returning extract(epoch from expires_at - clock_timestamp()) * 1000 as left`,
      place,
    );
    if (link === undefined) return refused(404, 'This link is not good any more.');
    const forMs = Math.min(Math.max(1, Number(link['left'])), 24 * HOUR_MS);
    const answer = GuestLogin.safeParse(await this.#ask(router, { name: guest.data.name, forMs }));
    if (!answer.success) {
      await this.context.storage.query(`update links set guest_id = null where code_hash = $1 and service = $2`, place);
      return refused(409, 'This name cannot be had; take another.');
    }
    const { id, ...login } = answer.data;
    await this.context.storage.query(`update links set guest_id = $3 where code_hash = $1 and service = $2`, [
      ...place,
      id,
    ]);
    return { status: 201, headers: { 'cache-control': 'no-store' }, body: login };
  }

  /** All links and guests of this person. */
  async #end(router: HookRouter, { user }: HookRequest): Promise<HookResponse> {
    const gone = await this.context.storage.query(
      `delete from links where service = $1 and made_by = $2 returning guest_id`,
      [this.name, user?.id ?? ''],
    );
    const ids = gone.map((row) => Number(row['guest_id'] ?? 0)).filter((id) => id > 0);
    return { status: 200, body: { ended: await router.call('end guests', { ids }) } };
  }

  /** undefined = refused by the server. */
  async #ask(router: HookRouter, wish: object): Promise<unknown> {
    try {
      return await router.call('let a guest in', wish);
    } catch (error) {
      if (isServiceError(error) && error.kind === 'rejected') return undefined;
      throw error;
    }
  }
}

function hashOf(code: string): Buffer {
  return createHash('sha256').update(code).digest();
}

function refused(status: number, reason: string): HookResponse {
  return { status, body: { reason } };
}
