import type { Ice } from 'ice';

/** What is known of a registered user, by the numbers of the enumeration UserInfo. */
export type UserInfo = ReadonlyMap<number, string>;
export const USER_NAME = 0;
/** Only administrators can write and read it, so it keeps our key. */
export const USER_EMAIL = 1;
export const USER_PASSWORD = 4;

/** A rule of a channel. */
export interface AclRule {
  readonly applyHere: boolean;
  readonly applySubs: boolean;
  readonly inherited: boolean;
  readonly userid: number;
  readonly group: string;
  readonly allow: number;
  readonly deny: number;
}

/** A group of a channel. `members` is what comes of it; `add` and `remove` are what can be written. */
export interface AclGroup {
  readonly name: string;
  readonly inherited: boolean;
  readonly inherit: boolean;
  readonly inheritable: boolean;
  readonly add: readonly number[];
  readonly remove: readonly number[];
  readonly members: readonly number[];
}

/** All rules and groups of a channel: they are read and written together. */
export interface Acl {
  readonly rules: readonly AclRule[];
  readonly groups: readonly AclGroup[];
  readonly inherit: boolean;
}

export function readVersion(stream: Ice.InputStream): string {
  for (let part = 0; part < 3; part += 1) stream.readInt();
  return stream.readString();
}

export function writeInfo(stream: Ice.OutputStream, info: UserInfo): void {
  writeList(stream, [...info], ([key, value]) => {
    stream.writeByte(key);
    stream.writeString(value);
  });
}

export function readInfo(stream: Ice.InputStream): UserInfo {
  return new Map(readList(stream, () => [stream.readByte(), stream.readString()] as const));
}

export function readIds(stream: Ice.InputStream): ReadonlyMap<string, number> {
  return new Map(readList(stream, () => [stream.readString(), stream.readInt()] as const));
}

export function readNames(stream: Ice.InputStream): ReadonlyMap<number, string> {
  return new Map(readList(stream, () => [stream.readInt(), stream.readString()] as const));
}

export function readAcl(stream: Ice.InputStream): Acl {
  const rules = readList(stream, () => readRule(stream));
  const groups = readList(stream, () => readGroup(stream));
  return { rules, groups, inherit: stream.readBool() };
}

export function writeAcl(stream: Ice.OutputStream, { rules, groups, inherit }: Acl): void {
  writeList(stream, rules, (rule) => writeRule(stream, rule));
  writeList(stream, groups, (group) => writeGroup(stream, group));
  stream.writeBool(inherit);
}

/** Of the structure User only who it is; the rest has to be read to get to the next one. */
export function readSessions(stream: Ice.InputStream): ReadonlyMap<number, number> {
  return new Map(
    readList(stream, () => {
      const session = stream.readInt();
      stream.readInt();
      const userid = stream.readInt();
      skipRestOfUser(stream);
      return [session, userid] as const;
    }),
  );
}

export function writeList<T>(stream: Ice.OutputStream, items: readonly T[], write: (item: T) => void): void {
  stream.writeSize(items.length);
  for (const item of items) write(item);
}

function readList<T>(stream: Ice.InputStream, read: () => T): readonly T[] {
  return Array.from({ length: stream.readSize() }, read);
}

function skipRestOfUser(stream: Ice.InputStream): void {
  // mute, deaf, suppress, prioritySpeaker, selfMute, selfDeaf, recording
  for (let flag = 0; flag < 7; flag += 1) stream.readBool();
  // channel; name; onlinesecs, bytespersec, version
  stream.readInt();
  stream.readString();
  for (let number = 0; number < 3; number += 1) stream.readInt();
  // release, os, osversion, identity, context, comment
  for (let text = 0; text < 6; text += 1) stream.readString();
  // address; tcponly; idlesecs; udpPing, tcpPing
  stream.readByteSeq();
  stream.readBool();
  stream.readInt();
  for (let ping = 0; ping < 2; ping += 1) stream.readFloat();
}

function readRule(stream: Ice.InputStream): AclRule {
  return {
    applyHere: stream.readBool(),
    applySubs: stream.readBool(),
    inherited: stream.readBool(),
    userid: stream.readInt(),
    group: stream.readString(),
    allow: stream.readInt(),
    deny: stream.readInt(),
  };
}

function writeRule(stream: Ice.OutputStream, rule: AclRule): void {
  for (const flag of [rule.applyHere, rule.applySubs, rule.inherited]) stream.writeBool(flag);
  stream.writeInt(rule.userid);
  stream.writeString(rule.group);
  stream.writeInt(rule.allow);
  stream.writeInt(rule.deny);
}

function readGroup(stream: Ice.InputStream): AclGroup {
  return {
    name: stream.readString(),
    inherited: stream.readBool(),
    inherit: stream.readBool(),
    inheritable: stream.readBool(),
    add: readList(stream, () => stream.readInt()),
    remove: readList(stream, () => stream.readInt()),
    members: readList(stream, () => stream.readInt()),
  };
}

function writeGroup(stream: Ice.OutputStream, group: AclGroup): void {
  stream.writeString(group.name);
  for (const flag of [group.inherited, group.inherit, group.inheritable]) stream.writeBool(flag);
  for (const ids of [group.add, group.remove, group.members]) writeList(stream, ids, (id) => stream.writeInt(id));
}
