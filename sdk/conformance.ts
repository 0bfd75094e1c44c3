import type { Connector } from './connector';
import { accountChecks } from './conformance/account-checks';
import { Bench } from './conformance/bench';
import { applies } from './conformance/check';
import type { Check } from './conformance/check';
import { generalChecks } from './conformance/general-checks';
import { groupChecks } from './conformance/group-checks';
import { httpChecks } from './conformance/http-checks';
import { loginChecks } from './conformance/login-checks';
import type { ConformanceTarget } from './conformance/target';

export type { Check } from './conformance/check';
export type { ConformanceTarget, FarSide, SeenAccount, SeenGroup } from './conformance/target';
export { startHttpProxy } from './testing/http-proxy';
export type { HttpProxy } from './testing/http-proxy';
export { startTcpProxy } from './testing/tcp-proxy';

/** Every rule of the kit, in the order in which they are tried. */
export const CONFORMANCE_CHECKS: readonly Check[] = [
  ...generalChecks,
  ...accountChecks,
  ...loginChecks,
  ...groupChecks,
];

/** The rules for managers over HTTP, tried where the subject says `transport: 'http'`. */
export const HTTP_CHECKS: readonly Check[] = httpChecks;

/** What the kit is given: the connector, and a way to look at its far side behind its back. */
export interface ConformanceSubject {
  readonly connector: Connector;
  /** Starts the far side (a fake on a socket, or the real thing). Called once. */
  readonly start: () => Promise<ConformanceTarget>;
  /** `http`: the rules about broken answers are tried too; the target needs `answerNext`, as `startHttpProxy` gives it. */
  readonly transport?: 'http';
  /**
   * Rules that cannot hold on this far side, by their titles, each with the reason. For far sides that are made otherwise, as
   * where names are the persons' own; not for a manager that breaks a rule. They belong into the README as known differences.
   */
  readonly without?: Readonly<Record<string, string>>;
}

/**
 * The tests that every connector must pass; call it at the top of a jest file. A rule about a method that the manager
 * does not have is left out.
 *
 * @example describeConnector({ connector, start: startFarSide });
 */
export function describeConnector(subject: ConformanceSubject): void {
  describe(`connector ${subject.connector.kind} keeps the rules`, () => {
    let target: ConformanceTarget;
    let bench: Bench;

    beforeAll(async () => {
      target = await subject.start();
      bench = new Bench(subject.connector, target);
    });

    afterAll(async () => {
      await bench.manager.close?.();
      await target.stop();
    });

    const without = subject.without ?? {};
    const all = subject.transport === 'http' ? [...CONFORMANCE_CHECKS, ...HTTP_CHECKS] : CONFORMANCE_CHECKS;
    const checks = all.filter((each) => applies(each, subject.connector));
    const unknown = Object.keys(without).filter((title) => !checks.some((check) => check.title === title));
    if (unknown.length > 0)
      throw new Error(`No rule that concerns this connector is called "${unknown.join('", "')}".`);
    for (const check of checks.filter(({ title }) => without[title] === undefined)) {
      test(check.title, async () => {
        await check.run(bench);
      });
    }
  });
}

/**
 * Runs one rule on a connector, outside jest's bookkeeping, and throws what it finds. For trying the kit itself on a manager
 * that is broken on purpose.
 */
export async function runCheck(title: string, connector: Connector, target: ConformanceTarget): Promise<void> {
  const check = [...CONFORMANCE_CHECKS, ...HTTP_CHECKS].find((each) => each.title === title);
  if (check === undefined) throw new Error(`There is no rule called "${title}".`);
  if (!applies(check, connector)) throw new Error(`The rule "${title}" does not concern this connector.`);
  const bench = new Bench(connector, target);
  try {
    await check.run(bench);
  } finally {
    await bench.manager.close?.();
  }
}
