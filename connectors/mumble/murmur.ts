import { Ice } from 'ice';
import { Misconfigured, startDeadline, Unavailable } from '@muster/sdk';
import type { AnyServiceError, CallContext } from '@muster/sdk';
import {
  readAcl,
  readInfo,
  readIds,
  readNames,
  readSessions,
  readVersion,
  writeAcl,
  writeInfo,
  writeList,
} from './wire';
import type { Acl, UserInfo } from './wire';
import type { MumbleConfig } from './schema';

/** The server says that this user, or this name, will not do. */
export class InvalidUser extends Error {}

/** An id that nobody has. */
export const NOBODY = 2 ** 31 - 1;

interface Operation<T> {
  readonly name: string;
  /** The server refuses an operation in the other mode. */
  readonly isIdempotent: boolean;
  readonly write?: (stream: Ice.OutputStream) => void;
  readonly read?: (stream: Ice.InputStream) => T;
}

/** What generated code calls; the published types leave it out. */
interface Invoker {
  _invoke(
    proxy: Ice.ObjectPrx,
    name: string,
    mode: Ice.OperationMode,
    format: number,
    context: undefined,
    marshal: ((stream: Ice.OutputStream) => void) | null,
    unmarshal: ((result: ReadableResult) => unknown) | null,
    exceptions: readonly never[],
    args: readonly never[],
  ): Promise<unknown>;
}

interface ReadableResult {
  startReadParams(): Ice.InputStream;
  endReadParams(): void;
}

/**
 * The operations of Murmur.ice (1.3, it comes with the server) that Muster uses, each one request over Ice.
 * Written by hand for a dozen operations, where the generated code of all of them has thousands of lines.
 */
export class Murmur {
  readonly #communicator: Ice.Communicator;
  readonly #place: string;
  readonly #secret: string;
  readonly #id: number;

  constructor(config: MumbleConfig) {
    this.#communicator = Ice.initialize(settings());
    this.#place = `tcp -h "${config.host}" -p ${config.port ?? 6502}`;
    this.#secret = config.secret;
    this.#id = config.server ?? 1;
  }

  async close(): Promise<void> {
    await this.#communicator.destroy();
  }

  version(call: CallContext): Promise<string> {
    return this.#call('Meta', { name: 'getVersion', isIdempotent: true, read: readVersion }, call);
  }

  /** Writes nothing, to nobody: only whether the secret is the one for writing comes of it. Throws Misconfigured when not. */
  async tryToWrite(call: CallContext): Promise<void> {
    try {
      await this.update(NOBODY, new Map(), call);
    } catch (error) {
      if (!(error instanceof InvalidUser)) throw error;
    }
  }

  /** Says whether the virtual server runs. */
  isRunning(call: CallContext): Promise<boolean> {
    return this.#ask({ name: 'isRunning', isIdempotent: true, read: (stream) => stream.readBool() }, call);
  }

  /** Throws InvalidUser when the name is taken or cannot be one. */
  register(info: UserInfo, call: CallContext): Promise<number> {
    const write = (stream: Ice.OutputStream): void => writeInfo(stream, info);
    return this.#ask({ name: 'registerUser', isIdempotent: false, write, read: (stream) => stream.readInt() }, call);
  }

  async unregister(id: number, call: CallContext): Promise<void> {
    await this.#ask({ name: 'unregisterUser', isIdempotent: false, write: (stream) => stream.writeInt(id) }, call);
  }

  /** What is not given stays. Throws InvalidUser when the user is not there, or the name will not do. */
  async update(id: number, info: UserInfo, call: CallContext): Promise<void> {
    const write = (stream: Ice.OutputStream): void => {
      stream.writeInt(id);
      writeInfo(stream, info);
    };
    await this.#ask({ name: 'updateRegistration', isIdempotent: true, write }, call);
  }

  async registration(id: number, call: CallContext): Promise<UserInfo | undefined> {
    const write = (stream: Ice.OutputStream): void => stream.writeInt(id);
    try {
      return await this.#ask({ name: 'getRegistration', isIdempotent: true, write, read: readInfo }, call);
    } catch (error) {
      if (error instanceof InvalidUser) return undefined;
      throw error;
    }
  }

  /** The id of a name, whatever its case. */
  async idOf(name: string, call: CallContext): Promise<number | undefined> {
    const write = (stream: Ice.OutputStream): void => writeList(stream, [name], (each) => stream.writeString(each));
    const ids = await this.#ask({ name: 'getUserIds', isIdempotent: true, write, read: readIds }, call);
    const id = ids.get(name);
    // -2: nobody.
    return id === undefined || id < 0 ? undefined : id;
  }

  /** Names of all who are registered, by id. */
  registered(call: CallContext): Promise<ReadonlyMap<number, string>> {
    const write = (stream: Ice.OutputStream): void => stream.writeString('');
    return this.#ask({ name: 'getRegisteredUsers', isIdempotent: true, write, read: readNames }, call);
  }

  acl(channel: number, call: CallContext): Promise<Acl> {
    const write = (stream: Ice.OutputStream): void => stream.writeInt(channel);
    return this.#ask({ name: 'getACL', isIdempotent: true, write, read: readAcl }, call);
  }

  /** Replaces all rules and all groups of the channel. */
  async setAcl(channel: number, acl: Acl, call: CallContext): Promise<void> {
    const write = (stream: Ice.OutputStream): void => {
      stream.writeInt(channel);
      writeAcl(stream, acl);
    };
    await this.#ask({ name: 'setACL', isIdempotent: true, write }, call);
  }

  /** Ids of users by their session. */
  sessions(call: CallContext): Promise<ReadonlyMap<number, number>> {
    return this.#ask({ name: 'getUsers', isIdempotent: true, read: readSessions }, call);
  }

  /** Who has left by themselves meanwhile is gone too. */
  async kick(session: number, reason: string, call: CallContext): Promise<void> {
    const write = (stream: Ice.OutputStream): void => {
      stream.writeInt(session);
      stream.writeString(reason);
    };
    try {
      await this.#ask({ name: 'kickUser', isIdempotent: false, write }, call);
    } catch (error) {
      if (!(error instanceof InvalidUser)) throw error;
    }
  }

  #ask<T = void>(operation: Operation<T>, call: CallContext): Promise<T> {
    return this.#call(`s/${this.#id}`, operation, call);
  }

  async #call<T>(object: string, operation: Operation<T>, call: CallContext): Promise<T> {
    const permit = await call.permit?.(`Ice ${operation.name}`);
    const deadline = startDeadline(call.signal, call.timeoutMs);
    try {
      deadline.signal.throwIfAborted();
      return await untilAborted(this.#invoke(object, operation), deadline.signal);
    } catch (error) {
      throw failureOf(operation.name, error);
    } finally {
      deadline.clear();
      permit?.answered();
    }
  }

  async #invoke<T>(object: string, { name, isIdempotent, write, read }: Operation<T>): Promise<T> {
    const bare = this.#communicator.stringToProxy(`${object}:${this.#place}`);
    const proxy = bare.ice_context(new Map([['secret', this.#secret]]));
    const mode = isIdempotent ? Ice.OperationMode.Idempotent : Ice.OperationMode.Normal;
    const unmarshal = (result: ReadableResult): T | undefined => {
      const value = read?.(result.startReadParams());
      result.endReadParams();
      return value;
    };
    const invoker = Ice.ObjectPrx as unknown as Invoker;
    const marshal = write ?? null;
    // oxlint-disable-next-line no-underscore-dangle -- the name is Ice's
    const invoke = invoker._invoke.bind(invoker);
    const reader = read === undefined ? null : unmarshal;
    return (await invoke(proxy, name, mode, 0, undefined, marshal, reader, [], [])) as T;
  }
}

function settings(): Ice.InitializationData {
  const data = new Ice.InitializationData();
  data.properties = Ice.createProperties();
  // Ice would repeat what it takes for repeatable: an answer that got lost has to be told.
  data.properties.setProperty('Ice.RetryIntervals', '-1');
  return data;
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Unavailable('The server did not answer in time.', { code: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

/** The server's own exceptions come by their name, since their types are not generated. */
function failureOf(name: string, error: unknown): AnyServiceError | InvalidUser {
  if (error instanceof Unavailable) return error;
  const told = error instanceof Ice.UnknownException ? error.unknown : '';
  const cause = { cause: error };
  if (told.includes('InvalidUserException') || told.includes('InvalidSessionException'))
    return new InvalidUser(`Ice ${name}: the server refuses this user.`);
  if (told.includes('InvalidSecretException')) {
    return new Misconfigured(`Ice ${name}: the server refuses the secret.`, { ...cause, code: 'secret' });
  }
  if (told.includes('InvalidChannelException')) {
    return new Misconfigured(`Ice ${name}: the channel is not there.`, { ...cause, code: 'channel' });
  }
  if (told.includes('InvalidServerException') || error instanceof Ice.ObjectNotExistException) {
    return new Misconfigured(`Ice ${name}: the virtual server is not there.`, { ...cause, code: 'server' });
  }
  return new Unavailable(`Ice ${name}: the server cannot be reached, or does not run.`, { ...cause, code: 'network' });
}
