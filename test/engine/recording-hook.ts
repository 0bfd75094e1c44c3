import { ServiceHook } from '../../sdk/index';
import type { HookContext, HookMember, HookUser } from '../../sdk/index';

/** One call of an overridden member. */
export interface HookedCall {
  readonly service: string;
  readonly member: HookMember;
  /** Usernames, of one person or of all in a bulk call. */
  readonly users: readonly string[];
  readonly args: readonly unknown[];
}

export interface Recording {
  readonly calls: HookedCall[];
  /** What an override does after it was recorded: answers, throws, or hands on by calling `base`. Default: it has done the work. */
  behave: (call: HookedCall, base: () => Promise<unknown>) => Promise<unknown>;
}

export function recording(): Recording {
  return { calls: [], behave: async (call) => DONE[call.member] };
}

/** What a member answers that has done its work. */
const DONE: Readonly<Partial<Record<HookMember, unknown>>> = { deleteUser: 'deleted', serviceActiveForUser: true };

/** A hook that overrides exactly these members, and notes every call of them. */
export function recordingHook(
  record: Recording,
  members: readonly HookMember[],
): (context: HookContext) => ServiceHook {
  class RecordingHook extends ServiceHook {}
  for (const member of members) {
    const base = ServiceHook.prototype[member] as (...args: readonly unknown[]) => Promise<unknown>;
    Object.defineProperty(RecordingHook.prototype, member, {
      value: function overridden(this: ServiceHook, ...args: readonly unknown[]): Promise<unknown> {
        const call = { service: this.name, member, users: usernames(args[0]), args };
        record.calls.push(call);
        return record.behave(call, () => base.call(this, ...args));
      },
    });
  }
  return (context) => new RecordingHook(context);
}

function usernames(first: unknown): readonly string[] {
  if (Array.isArray(first)) return (first as readonly HookUser[]).map((user) => user.username).sort();
  return typeof first === 'object' && first !== null && 'username' in first ? [(first as HookUser).username] : [];
}
