import type { Request } from 'express';

/** A person in front of a browser, and not a program: those send no cookie, or ask for something else than pages. */
export function isBrowser(request: Request): boolean {
  if (request.headers.authorization !== undefined) return false;
  return (request.headers.accept ?? '').includes('text/html');
}
