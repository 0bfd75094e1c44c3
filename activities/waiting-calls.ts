import { BULK_SHARE } from '../domain/pacing';
import type { Lane } from '../domain/pacing';

/** A call that waits for its permit. */
export interface WaitingCall<T> {
  readonly lane: Lane;
  readonly sinceMs: number;
  /** It needs no call slot any more, and goes before the others. */
  readonly hasSlot: boolean;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls that wait, in two lanes: persons first, bulk never starved. */
export class WaitingCalls<T> {
  /** Calls that are bulk's by its share, and went to persons. */
  #owedToBulk = 0;
  readonly #lanes: Readonly<Record<Lane, WaitingCall<T>[]>> = { person: [], bulk: [] };

  count(lane?: Lane): number {
    return lane === undefined ? this.#lanes.person.length + this.#lanes.bulk.length : this.#lanes[lane].length;
  }

  get withSlot(): number {
    return [...this.#lanes.person, ...this.#lanes.bulk].filter((call) => call.hasSlot).length;
  }

  add(call: WaitingCall<T>): void {
    if (call.hasSlot) this.#lanes[call.lane].unshift(call);
    else this.#lanes[call.lane].push(call);
  }

  /** False: it does not wait any more. */
  remove(call: WaitingCall<T>): boolean {
    const place = this.#lanes[call.lane].indexOf(call);
    if (place >= 0) this.#lanes[call.lane].splice(place, 1);
    return place >= 0;
  }

  /** Whose turn it is: a person's, but one in five is bulk's as long as it waits, and so is what was leased as its own share. */
  next(isBulksOwn: boolean): WaitingCall<T> | undefined {
    const [person] = this.#lanes.person;
    const [bulk] = this.#lanes.bulk;
    return isBulksOwn || this.#owedToBulk >= 1 ? (bulk ?? person) : (person ?? bulk);
  }

  /** Lets the one in that `next` has named. */
  pass(call: WaitingCall<T>, value: T): void {
    const bothWait = this.count('person') > 0 && this.count('bulk') > 0;
    if (!this.remove(call)) return;
    const got = call.lane === 'bulk' ? 1 : 0;
    if (bothWait) this.#owedToBulk = Math.max(-1, this.#owedToBulk + BULK_SHARE - got);
    call.resolve(value);
  }

  /** Sends everybody away. */
  sendAway(error: () => unknown): void {
    for (const lane of ['person', 'bulk'] as const) this.sendLaneAway(lane, error);
  }

  /** Sends a lane away, but for the first `keep`, whose permits are there; `error` by the place among those who go. */
  sendLaneAway(lane: Lane, error: (place: number) => unknown, keep = 0): void {
    for (const [place, call] of this.#lanes[lane].splice(keep).entries()) call.reject(error(place));
  }

  /** Sends those away who came before. */
  sendAwayOld(beforeMs: number, error: () => unknown): void {
    for (const call of [...this.#lanes.person, ...this.#lanes.bulk]) {
      if (call.sinceMs < beforeMs && this.remove(call)) call.reject(error());
    }
  }
}
