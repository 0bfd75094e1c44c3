import { openServiceSecrets } from '../../config/service-secrets';
import { Misconfigured } from '../../sdk/errors';
import type { ExternalAuthService, ExternalPlugin, ExternalResource } from '../../sdk/external-accounts';
import { findExternalType } from '../../store/external-types';
import type { ExternalTypeRecord } from '../../store/external-types';
import { typeSecretsId } from './context';
import type { ExternalContext } from './context';
import { externalAuthService } from './linking';
import type { SafeModels } from './linking';

/** A configured type with its plug-in's resource, built for one version of its configuration. */
export interface ExternalTypeEntry {
  readonly record: ExternalTypeRecord;
  readonly plugin: ExternalPlugin;
  readonly resource: ExternalResource;
}

/**
 * The configured types of this worker process: each built when first needed, and anew when its configuration has changed.
 * Client secrets are unsealed here and nowhere else.
 */
export class ExternalTypePool {
  readonly models: SafeModels = new Map();
  readonly externalAuth: ExternalAuthService;
  readonly #entries = new Map<string, ExternalTypeEntry>();

  constructor(private readonly context: ExternalContext) {
    this.externalAuth = externalAuthService(context, this.models);
  }

  /** The entry of a type. @throws Misconfigured when there is none, its plug-in is not loaded or its configuration does not fit */
  async get(type: string): Promise<ExternalTypeEntry> {
    const record = await findExternalType(this.context.db, type);
    if (record === undefined) throw new Misconfigured(`the type ${type} is not configured`, { code: 'type-missing' });
    const known = this.#entries.get(type);
    if (known !== undefined && known.record.configVersion === record.configVersion) return known;
    const entry = this.#build(record);
    this.#entries.set(type, entry);
    return entry;
  }

  #build(record: ExternalTypeRecord): ExternalTypeEntry {
    const { type } = record;
    const plugin = this.context.plugins.get(record.plugin);
    if (plugin === undefined)
      throw new Misconfigured(`the plug-in ${record.plugin} is not loaded`, { code: 'plugin-missing' });
    const secrets = openServiceSecrets(this.context.sealer, { ...record, id: typeSecretsId(type) });
    const parsed = plugin.config.safeParse({ ...record.config, ...secrets });
    if (!parsed.success) {
      const places = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      throw new Misconfigured(`the configuration does not fit the plug-in: ${places}`, { code: 'config-invalid' });
    }
    plugin.load?.({ type, externalAuth: this.externalAuth });
    const resource = new plugin.resource({ type, config: parsed.data, externalAuth: this.externalAuth });
    return { record, plugin, resource };
  }
}
