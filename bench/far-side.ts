import { join } from 'node:path';
import { connector } from '../test/fakes/throttled-connector';
import { startFake } from '../test/fakes/throttling-service/fake';
import type { Fake, FakeSettings } from '../test/fakes/throttling-service/fake';

/** Kind of the connector that speaks with the throttling service. */
export const THROTTLED = connector.kind;

const PROGRAM = join(__dirname, '..', '..', 'test', 'fakes', 'throttling-service', 'main.mjs');

/** The throttling service of the tests, in a process of its own. */
export function startFarSide(settings: Partial<FakeSettings>): Promise<Fake> {
  return startFake(settings, PROGRAM);
}
