import { configFields, readConfig } from './config-form';
import type { ConfigSchema } from './config-form';

const SCHEMA: ConfigSchema = {
  required: ['host', 'token'],
  properties: {
    tls: { type: 'boolean' },
    host: { type: 'string', description: 'Where it answers.' },
    token: { type: 'string', writeOnly: true },
    key: { type: 'string', writeOnly: true, pattern: '-----BEGIN' },
    port: { type: 'integer' },
    scope: { type: 'string', enum: ['a', 'b'] },
    names: { type: 'array', items: { type: 'string' } },
    attributes: { type: 'object' },
  },
};

test('every key is a field, what is needed first, and no secret is in it', () => {
  const values = { host: '<b>', token: { sealed: true }, names: ['x', 'y'], attributes: { a: 'b' } };

  const { text } = configFields(SCHEMA, { values, errors: { 'config.port': 'is no port' } });

  expect(text.indexOf('config.host')).toBeLessThan(text.indexOf('config.tls'));
  expect(text).toContain('value="&lt;b&gt;"');
  expect(text).toContain('x\ny');
  expect(text).toContain('is no port');
  expect(text).not.toContain('sealed');
  expect(text).not.toContain('clear.token');
});

test('only what was altered is sent: an empty secret stays, an empty value goes', () => {
  const before = { host: 'old', port: 5, token: { sealed: true } };
  const form = new URLSearchParams({
    'config.host': 'new',
    'config.port': '',
    'config.token': '',
    'config.tls': 'false',
    'config.names': 'a\n\nb',
    'config.attributes': '{"a":"b"}',
    'clear.key': 'true',
  });

  expect(readConfig(SCHEMA, form, before)).toEqual({
    config: { host: 'new', port: null, tls: false, names: ['a', 'b'], attributes: { a: 'b' }, key: null },
    errors: {},
  });
});

test('what cannot be read is told at its field', () => {
  const form = new URLSearchParams({ 'config.port': 'many', 'config.attributes': '{' });

  const { errors } = readConfig(SCHEMA, form, {});

  expect(Object.keys(errors)).toEqual(['config.port', 'config.attributes']);
});
