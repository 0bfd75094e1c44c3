import { startEjabberd } from '../connectors/ejabberd';
import { KEYCLOAK_PROGRAM, startKeycloak } from '../connectors/keycloak-server';
import { startMurmur } from '../connectors/murmur';
import { startOwnPostgres } from '../connectors/own-postgres';
import { startRabbit } from '../connectors/rabbitmq';
import { startSamba } from '../connectors/samba';
import { startScim2, startScimmy } from '../connectors/scim-servers';
import { startSlapd } from '../connectors/slapd';
import { startSynapse, SYNAPSE_PROGRAM } from '../connectors/synapse-server';

/** One that runs. */
export interface RunningService {
  /** Of its connector, as an operator gives it to Muster. */
  readonly config: unknown;
  stop(): Promise<void>;
}

/** A real system that can be had on this machine. */
export interface TestService {
  readonly name: string;
  /** Kind of the connector. */
  readonly connector: string;
  /** What must be there; empty = it comes with Muster. */
  readonly programs: readonly string[];
  /** How to get what is missing. */
  readonly install: string;
  /** It takes long or much memory: only when it is asked for. */
  readonly slow?: boolean;
  start(): Promise<RunningService>;
}

const apt = (...packages: readonly string[]): string => `apt-get install ${packages.join(' ')}, or .ci/install-servers`;

/** Those that `npm run services:up` starts. */
export const SERVICES: readonly TestService[] = [
  { name: 'postgresql', connector: 'postgres', programs: [], install: '', start: () => startOwnPostgres() },
  {
    name: 'slapd',
    connector: 'ldap',
    programs: ['slapd', 'ldapmodify'],
    install: apt('slapd', 'ldap-utils'),
    start: () => startSlapd(),
  },
  {
    name: 'scim2-server',
    connector: 'scim',
    programs: ['scim2-server'],
    install: 'pip install scim2-server, or .ci/install-servers',
    start: async () => withScim(await startScim2()),
  },
  {
    name: 'scimmy',
    connector: 'scim',
    programs: [],
    install: '',
    start: async () => withScim(await startScimmy({ patch: true })),
  },
  {
    name: 'ejabberd',
    connector: 'xmpp',
    programs: ['ejabberdctl', 'erl', 'epmd'],
    install: apt('ejabberd'),
    start: () => startEjabberd(),
  },
  {
    name: 'rabbitmq',
    connector: 'rabbitmq',
    programs: ['rabbitmqctl', 'epmd'],
    install: apt('rabbitmq-server'),
    start: () => startRabbit(),
  },
  {
    name: 'mumble',
    connector: 'mumble',
    programs: ['murmurd'],
    install: apt('mumble-server'),
    start: () => startMurmur(),
  },
  {
    name: 'synapse',
    connector: 'matrix',
    programs: [SYNAPSE_PROGRAM],
    install: 'pip install matrix-synapse, or .ci/install-servers',
    start: async () => {
      const server = await startSynapse();
      return { config: { url: server.url, token: server.adminToken }, stop: () => server.stop() };
    },
  },
  {
    name: 'keycloak',
    connector: 'keycloak',
    programs: [KEYCLOAK_PROGRAM, 'java'],
    install: '.ci/install-servers --slow (from Maven)',
    slow: true,
    start: async () => {
      const server = await startKeycloak();
      const { url, realm, client } = server;
      return { config: { url, realm, ...client }, stop: () => server.stop() };
    },
  },
  {
    name: 'samba',
    connector: 'active-directory',
    programs: ['root', 'samba', 'samba-tool'],
    install: 'as root: .ci/install-servers --slow',
    slow: true,
    start: () => startSamba(),
  },
];

function withScim(server: Awaited<ReturnType<typeof startScim2>>): RunningService {
  return { config: { url: `${server.origin}${server.path}`, token: server.token }, stop: () => server.stop() };
}
