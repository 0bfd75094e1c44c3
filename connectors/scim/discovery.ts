import type { CallContext } from '@muster/sdk';
import type { ScimClient } from './client';
import { ServiceProviderConfig } from './schema';
import type { ScimConfig, ServiceProviderConfig as Told } from './schema';

/** What is said of a server is believed for an hour. */
const BELIEVED_MS = 60 * 60 * 1000;

/** What the server can do (RFC 7644 4). */
export interface Features {
  readonly write: 'patch' | 'put';
  readonly filter: boolean;
  readonly etag: boolean;
  readonly changePassword: boolean;
  readonly bulk: { readonly maxOperations: number; readonly maxPayloadBytes: number } | undefined;
}

/** Asks the server what it supports, and keeps the answer for a while. */
export class Discovery {
  readonly #client: ScimClient;
  readonly #config: ScimConfig;
  #known: { readonly features: Features; readonly untilMs: number } | undefined;

  constructor(client: ScimClient, config: ScimConfig) {
    this.#client = client;
    this.#config = config;
  }

  async features(call: CallContext): Promise<Features> {
    if (this.#known !== undefined && Date.now() < this.#known.untilMs) return this.#known.features;
    const told = await this.#client.find({ path: '/ServiceProviderConfig', answer: ServiceProviderConfig }, call);
    const features = featuresOf(told ?? ServiceProviderConfig.parse({}), this.#config);
    this.#known = { features, untilMs: Date.now() + BELIEVED_MS };
    return features;
  }
}

/** A server without that page is taken for one that can PATCH and filter and nothing more. */
function featuresOf(told: Told, config: ScimConfig): Features {
  const { patch, filter, etag, changePassword, bulk } = told;
  return {
    write: config.write ?? (patch.supported ? 'patch' : 'put'),
    filter: filter.supported,
    etag: etag.supported,
    changePassword: changePassword.supported,
    bulk: bulk.supported ? { maxOperations: bulk.maxOperations, maxPayloadBytes: bulk.maxPayloadSize } : undefined,
  };
}
