import { gunzipSync, inflateRawSync } from 'node:zlib';

const TAR_BLOCK = 512;
const MAX_UNPACKED_BYTES = 400_000_000;

/** One file of a .tar.gz by its base name; undefined when it is not in it. Answers bytes that are still to be verified. */
export function fileFromTarGz(archive: Buffer, baseName: string): Buffer | undefined {
  const tar = gunzipSync(archive, { maxOutputLength: MAX_UNPACKED_BYTES });
  let at = 0;
  while (at + TAR_BLOCK <= tar.length) {
    const header = tar.subarray(at, at + TAR_BLOCK);
    const name = cString(header.subarray(0, 100));
    if (name === '') return undefined;
    const size = Number.parseInt(cString(header.subarray(124, 136)).trim() || '0', 8);
    if (Number.isNaN(size)) return undefined;
    const content = at + TAR_BLOCK;
    if (name.split('/').at(-1) === baseName && size > 0) return tar.subarray(content, content + size);
    at = content + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return undefined;
}

const ZIP_END = 0x06054b50;
const ZIP_END_BYTES = 22;
const ZIP_ENTRY = 0x02014b50;
const ZIP_ENTRY_BYTES = 46;
const ZIP_LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** One file of a .zip (a Python wheel is one) by the end of its path; undefined when it is not in it. */
export function fileFromZip(archive: Buffer, pathEnd: string): Buffer | undefined {
  const end = archive.lastIndexOf(uint32(ZIP_END));
  if (end < 0 || end + ZIP_END_BYTES > archive.length) return undefined;
  const entries = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < entries && at + ZIP_ENTRY_BYTES <= archive.length; index += 1) {
    if (archive.readUInt32LE(at) !== ZIP_ENTRY) return undefined;
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + ZIP_ENTRY_BYTES, at + ZIP_ENTRY_BYTES + nameLength);
    if (name.endsWith(pathEnd)) return unzipEntry(archive, at);
    at += ZIP_ENTRY_BYTES + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return undefined;
}

function unzipEntry(archive: Buffer, entry: number): Buffer | undefined {
  const method = archive.readUInt16LE(entry + 10);
  const packedSize = archive.readUInt32LE(entry + 20);
  const local = archive.readUInt32LE(entry + 42);
  const start = local + ZIP_LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const packed = archive.subarray(start, start + packedSize);
  if (method === STORED) return packed;
  if (method === DEFLATED) return inflateRawSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  return undefined;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
