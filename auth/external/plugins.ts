import { SDK_VERSION } from '../../sdk/connector';
import type { ExternalPlugin } from '../../sdk/external-accounts';
import { discord } from './discord';
import { github } from './github';
import { oauth2 } from './generic';

/** The plug-ins for external accounts that this process has, by name. */
export type ExternalPlugins = ReadonlyMap<string, ExternalPlugin>;

export interface ListedPlugins {
  readonly plugins: ExternalPlugins;
  /** Plug-ins that are left out, and why, in a sentence. */
  readonly skipped: readonly { readonly module: string; readonly reason: string }[];
}

/** The built-in plug-ins and those of loaded modules. One that does not fit, or whose name is taken, is left out. */
export function externalPlugins(loaded: readonly ExternalPlugin[] = []): ListedPlugins {
  const plugins = new Map<string, ExternalPlugin>();
  const skipped: { module: string; reason: string }[] = [];
  for (const plugin of [oauth2, discord, github, ...loaded]) {
    const reason = objection(plugins, plugin);
    if (reason === undefined) plugins.set(plugin.plugin, plugin);
    else skipped.push({ module: `external accounts: ${plugin.plugin}`, reason });
  }
  return { plugins, skipped };
}

function objection(plugins: ExternalPlugins, { plugin, sdk }: ExternalPlugin): string | undefined {
  if (sdk !== SDK_VERSION) return `it was made for version ${sdk} of @muster/sdk, this is version ${SDK_VERSION}`;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(plugin)) return 'its name must be lower-case letters, digits and hyphens';
  return plugins.has(plugin) ? 'there is already a plug-in of this name' : undefined;
}
