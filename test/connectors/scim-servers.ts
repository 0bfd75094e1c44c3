import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import SCIMMY from 'scimmy';
import { SCIMMYRouters } from 'scimmy-routers';
import { freePort } from '../../runtime/ports';
import { findProgram, isListening, startProgram, until } from './programs';

/** A real SCIM server that a test has for itself. */
export interface ScimServer {
  /** Without the path of the protocol. */
  readonly origin: string;
  readonly path: string;
  readonly token: string;
  stop(): Promise<void>;
}

/** Where `startScim2` has its server write all that it held, when it ends. */
export interface Scim2Options {
  readonly dumpFile?: string;
}

/** scim2-server (PyPI): keeps everything in memory, offers PATCH, bulk and ETags, takes group names twice. */
export async function startScim2({ dumpFile }: Scim2Options = {}): Promise<ScimServer> {
  const token = `Canary-${randomUUID()}`;
  const port = await freePort();
  const command = findProgram('scim2-server') ?? 'scim2-server';
  const options = ['--port', String(port), '--bearer-token', token];
  const dump = dumpFile === undefined ? [] : ['--dump-resources', dumpFile];
  const server = startProgram(command, [...options, ...dump]);
  await until(() => isListening(port), server.output);
  const ended = new Promise((resolve) => server.process.once('exit', resolve));
  const stop = async (): Promise<void> => {
    // It writes its dump when it is interrupted, and not when it is told to end.
    if (dumpFile !== undefined && server.process.exitCode === null && server.process.kill('SIGINT')) await ended;
    await server.stop();
  };
  return { origin: `http://127.0.0.1:${port}`, path: '/v2', token, stop };
}

type Resource = Record<string, unknown> & { id: string; userName: string; displayName: string };

/** SCIMMY (npm) with a store in memory; `features` is what its ServiceProviderConfig says of it. */
export async function startScimmy(features: object): Promise<ScimServer> {
  const token = `Canary-${randomUUID()}`;
  const users = storeOf('userName');
  const groups = storeOf('displayName');
  SCIMMY.Resources.declare(SCIMMY.Resources.User).ingress(users.write).egress(users.read).degress(users.remove);
  SCIMMY.Resources.declare(SCIMMY.Resources.Group).ingress(groups.write).egress(groups.read).degress(groups.remove);
  const app = express();
  const authentication = {
    type: 'bearer' as const,
    handler: (request: { header(name: string): string | undefined }): string => {
      if (request.header('authorization') !== `Bearer ${token}`) throw new Error('who are you?');
      return '';
    },
  };
  // The routers write numbers into the query, which Express 5 would parse anew: every list would be its first 20.
  app.use((request, _response, next) => {
    Object.defineProperty(request, 'query', { value: { ...request.query } });
    next();
  });
  app.use('/scim', new SCIMMYRouters(authentication));
  // After the routers, which say that everything is supported.
  SCIMMY.Config.set(features);
  const server = app.listen(0, '127.0.0.1');
  await new Promise<void>((resolve) => server.once('listening', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: '/scim',
    token,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Filter {
  match(resources: object[]): object[];
}

interface Store {
  readonly write: (resource: { readonly id?: string }, data: object) => Resource;
  readonly read: (resource: { readonly id?: string; readonly filter?: Filter }) => Resource | Resource[];
  readonly remove: (resource: { readonly id?: string }) => void;
}

/** What SCIMMY leaves to whoever uses it: a place for the resources, and which name may not be there twice. */
function storeOf(unique: string): Store {
  const held = new Map<string, Resource>();
  const found = (id: string): Resource => {
    const resource = held.get(id);
    if (resource === undefined) throw new SCIMMY.Types.Error(404, '', `Resource ${id} not found`);
    return resource;
  };
  return {
    write: ({ id }, data) => {
      if (id !== undefined) found(id);
      const resource = { ...(JSON.parse(JSON.stringify(data)) as object), id: id ?? randomUUID() } as Resource;
      const name = String(resource[unique]).toLowerCase();
      const others = [...held.values()].filter((each) => each.id !== resource.id);
      if (others.some((each) => String(each[unique]).toLowerCase() === name)) {
        throw new SCIMMY.Types.Error(409, 'uniqueness', `${unique} is taken`);
      }
      held.set(resource.id, resource);
      return resource;
    },
    read: ({ id, filter }) => {
      if (id !== undefined) return found(id);
      const all = [...held.values()];
      return filter === undefined ? all : (filter.match(all) as Resource[]);
    },
    remove: ({ id = '' }) => {
      found(id);
      held.delete(id);
    },
  };
}
