import type { Lane } from '../domain/pacing';
import { reserveNames } from './account-names';
import type { NameRequest } from './account-names';
import { Combiner } from './combine';
import type { Database } from './database';
import type { Lease } from './leases';
import { FenceLost, recordAllFacts, recordIntents, releaseLeases } from './settle';
import type { NewIntent, Release, RemoteFacts } from './settle';

/**
 * What convergence writes of accounts, of all that run in this process: many at the same time share a statement. Each
 * answers when its own is committed. What is done for a person waits for no company.
 */
export class AccountWrites {
  readonly #names: Combiner<NameRequest, string | undefined>;
  readonly #intents: Combiner<{ readonly lease: Lease; readonly intent: NewIntent }, boolean>;
  readonly #facts: Combiner<{ readonly lease: Lease; readonly facts: RemoteFacts }, boolean>;
  readonly #releases: Combiner<
    { readonly lease: Lease; readonly release: Release },
    { readonly changed: boolean } | undefined
  >;

  constructor(db: Database) {
    this.#names = new Combiner((requests) => reserveNames(db, requests));
    this.#intents = new Combiner((intents) => recordIntents(db, intents));
    this.#facts = new Combiner((facts) => recordAllFacts(db, facts));
    this.#releases = new Combiner((releases) => releaseLeases(db, releases));
  }

  /** See `reserveNames`. */
  name(request: NameRequest, lane: Lane): Promise<string | undefined> {
    return this.#names.ask(request, lane === 'person');
  }

  /** See `recordIntents`. @throws FenceLost */
  async intent(lease: Lease, intent: NewIntent, lane: Lane): Promise<void> {
    if (!(await this.#intents.ask({ lease, intent }, lane === 'person'))) throw new FenceLost(lease);
  }

  /** See `recordFacts`. @throws FenceLost, RemoteTaken */
  async facts(lease: Lease, facts: RemoteFacts, lane: Lane): Promise<void> {
    if (!(await this.#facts.ask({ lease, facts }, lane === 'person'))) throw new FenceLost(lease);
  }

  /** See `releaseLease`. @throws FenceLost */
  async release(lease: Lease, release: Release, lane: Lane): Promise<{ readonly changed: boolean }> {
    const released = await this.#releases.ask({ lease, release }, lane === 'person');
    if (released === undefined) throw new FenceLost(lease);
    return released;
  }
}
