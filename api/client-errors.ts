import { STATUS_CODES } from 'node:http';
import { randomUUID } from 'node:crypto';
import { PROBLEMS } from './problem-codes';
import { Problem } from './problem';
import { problemDocument } from './problems';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ProblemCode } from './problem-codes';

const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** What node refuses before any route sees it gets a problem document as well, not a bare status line. */
export function answerClientErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(answerTo(CODES[error.code ?? ''] ?? 'invalid-request'));
  });
}

function answerTo(code: ProblemCode): string {
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify(problemDocument(new Problem(code, `${title}.`), randomUUID()));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
