import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RequestHandler } from 'express';

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly version: string;
}

const FOLDER = '/console/';

/** What browsers load beside the pages: all of it from this installation. */
const assets: ReadonlyMap<string, Asset> = new Map([
  ['style.css', asset('text/css', join(__dirname, 'assets', 'style.css'))],
  ['console.js', asset('text/javascript', join(__dirname, 'assets', 'console.js'))],
  ['icon.svg', asset('image/svg+xml', join(__dirname, 'assets', 'icon.svg'))],
  ['htmx.js', asset('text/javascript', join(dirname(require.resolve('htmx.org/package.json')), 'dist', 'htmx.min.js'))],
]);

function asset(type: string, file: string): Asset {
  const bytes = readFileSync(file);
  return { type, bytes, version: createHash('sha256').update(bytes).digest('hex').slice(0, 12) };
}

/** The address of an asset. It changes with its content, so browsers may keep it for ever. @throws Error for one that is not there */
export function assetUrl(name: string): string {
  const found = assets.get(name);
  if (found === undefined) throw new Error(`there is no asset ${name}`);
  return `${FOLDER}${name}?v=${found.version}`;
}

/** Serves them. */
export function serveAssets(): RequestHandler {
  return (request, response, next) => {
    const found = request.path.startsWith(FOLDER) ? assets.get(request.path.slice(FOLDER.length)) : undefined;
    if (found === undefined || !['GET', 'HEAD'].includes(request.method)) {
      next();
      return;
    }
    const isCurrent = request.query['v'] === found.version;
    response
      .set('Cache-Control', isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache')
      .set('Cross-Origin-Resource-Policy', 'same-origin')
      .type(found.type)
      .send(found.bytes);
  };
}
