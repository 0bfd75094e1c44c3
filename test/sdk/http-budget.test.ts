import { HttpClient, path } from '../../sdk/index';
import type { ObservedLimits } from '../../sdk/index';
import { startFake } from '../fakes/throttling-service/fake';
import type { Fake } from '../fakes/throttling-service/fake';

let fake: Fake;
beforeAll(async () => {
  fake = await startFake({ limits: [{ kind: 'window', limit: 1, windowMs: 60_000 }], dialect: 'structured' });
});
afterAll(() => fake.stop());

test('every request asks for a permit, and tells what its answer said', async () => {
  const seen: ObservedLimits[] = [];
  const steps: string[] = [];
  const client = new HttpClient({ baseUrl: fake.url });
  const call = {
    signal: new AbortController().signal,
    timeoutMs: 5_000,
    permit: async (route: string) => {
      steps.push(`permit ${route}`);
      return { answered: () => void steps.push('answered') };
    },
    observe: (limits: ObservedLimits) => void seen.push(limits),
  };

  await client.request({ method: 'PATCH', path: path`/things/${'7'}` }, call);
  await expect(client.request({ method: 'PATCH', path: path`/things/${'7'}` }, call)).rejects.toMatchObject({
    kind: 'throttled',
  });

  expect(steps).toEqual(['permit PATCH /things/{}', 'answered', 'permit PATCH /things/{}', 'answered']);
  expect(seen).toMatchObject([
    { route: 'PATCH /things/{}', refused: false, limit: 1, windowMs: 60_000, remaining: 0 },
    { route: 'PATCH /things/{}', refused: true, limit: 1 },
  ]);
});
