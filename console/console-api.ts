import type { InProcessApi, InProcessRequest, Caller } from '../api/in-process';
import type { Answer } from '../api/route';

/** The API as one visitor sees it. Routes are named as in the table: `GET /v1/users/{user}/services`. */
export interface ConsoleApi {
  /** The body, as a client of the API would read it: times are texts. @throws Problem, and whatever the API refuses with */
  read<T>(name: string, request?: InProcessRequest): Promise<T>;
  /** The whole answer, e.g. for its Location. */
  call(name: string, request?: InProcessRequest): Promise<Answer>;
  /** May this visitor press that? With the parameters of the path where they decide. */
  may(name: string, params?: Readonly<Record<string, string>>): Promise<boolean>;
}

/** Binds the API to one visitor's request. */
export function consoleApi(api: InProcessApi, caller: Caller): ConsoleApi {
  return {
    read: async <T>(name: string, request?: InProcessRequest) => {
      const { body } = await api.call(caller, name, request);
      // As over the wire: dates become texts, what is undefined is absent.
      return (body === undefined ? undefined : JSON.parse(JSON.stringify(body))) as T;
    },
    call: (name, request) => api.call(caller, name, request),
    may: (name, params) => api.may(caller.principal, name, params),
  };
}
