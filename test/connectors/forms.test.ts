import { join } from 'node:path';
import { configForm } from '@muster/sdk';
import { loadConnectors } from '../../hooks/registry';

test('every key of every configuration says what it means', async () => {
  const registry = await loadConnectors({ folders: [join(__dirname, '../../connectors')] });

  const silent = registry.list().flatMap((connector) => {
    const { properties = {} } = configForm(connector) as { readonly properties?: Readonly<Record<string, object>> };
    const keys = Object.entries(properties).filter(([, property]) => !('description' in property));
    return keys.map(([key]) => `${connector.kind}: ${key}`);
  });

  expect(registry.skipped).toEqual([]);
  expect(silent).toEqual([]);
});
