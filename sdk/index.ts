/** All that a connector author imports. */
export type * from './manager';
export { Secret, managerAbilities } from './manager';
export type * from './hook';
export { ServiceHook, HOOK_MEMBERS, hookOverrides } from './service-hook';
export type { HookMember } from './service-hook';
export type * from './hook-router';
export { escapeHtml, renderServiceControl } from './service-control';
export {
  Throttled,
  Unavailable,
  Rejected,
  Misconfigured,
  Gone,
  Conflict,
  ServiceError,
  isServiceError,
} from './errors';
export type { GoneOptions, AnyServiceError, ServiceErrorKind, ServiceErrorOptions, ThrottledOptions } from './errors';
export { SDK_VERSION, defineConnector, isConnector } from './connector';
export type { Connector, ConnectorDefinition, ConnectorMigration, NameRules } from './connector';
export { configForm } from './config-form';
export type { ConfigForm } from './config-form';
export { registerHook, takeRegistrations } from './registry';
export type { HookFactories, MenuItem, Registration, UrlHook } from './registry';
export { startDeadline } from './deadline';
export type { Deadline } from './deadline';
export { defineExternalAccounts, isExternalPlugin } from './external-accounts';
export type * from './external-accounts';
export { HttpClient } from './http-client';
export type { HttpAnswer, HttpClientOptions, HttpReply, HttpRequest } from './http-client';
export { tlsFields, tlsOf, tlsSettings } from './tls';
export type { TlsOptions } from './tls';
export { failureOfTransport } from './http-failures';
export { attributeMap, mapAttributes } from './attribute-mapping';
export type { AttributeMap } from './attribute-mapping';
export { path } from './url-path';
export type { UrlPath } from './url-path';
export { parseRateLimits, parseRetryAfter } from './rate-limits';
export type { LimitedAnswer, RateLimits } from './rate-limits';
export {
  AuthProvider,
  AUTH_ABILITIES,
  AUTH_WRITES,
  ClientData,
  authAbilities,
  defineAuthProvider,
  isAuthProviderModule,
} from './auth-provider';
export type {
  AuthAbility,
  AuthProviderContext,
  AuthProviderDefinition,
  AuthProviderModule,
  AuthWrite,
  ClientDataFields,
  ClientWriteTry,
  PackageSchema,
  ProvenPerson,
} from './auth-provider';
export { MUSTER_VERSION } from './version';
