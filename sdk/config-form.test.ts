import { z } from 'zod';
import { configForm } from './config-form';

test('a form says what may be given, what is secret, and what each key means', () => {
  const config = z
    .strictObject({
      url: z.url().describe('Where it answers.'),
      token: z.string().min(1),
      size: z.number().default(3),
      place: z.string().transform(Number).optional(),
    })
    .refine(() => true);

  expect(configForm({ config, secrets: ['token'] as never })).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['url', 'token'],
    properties: {
      url: { type: 'string', format: 'uri', description: 'Where it answers.' },
      token: { type: 'string', minLength: 1, writeOnly: true, format: 'password' },
      size: { type: 'number', default: 3 },
      place: { type: 'string' },
    },
  });
});

test('a configuration that is no object has a form all the same', () => {
  expect(configForm({ config: z.record(z.string(), z.unknown()) })).toMatchObject({ type: 'object' });
});
