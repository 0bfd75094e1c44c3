import { dirname } from 'node:path';
import { PROBLEMS } from './problem-codes';
import type { Express } from 'express';

// Own files instead of inline scripts: the page must work under the content security policy, and without the internet.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Muster API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/reference.js"></script>
  </body>
</html>
`;

const SCRIPT = `SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  validatorUrl: null,
});
`;

const SHOWN_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'];

/** The API reference at /docs, from files of the installation alone; and what the `type` of a problem leads to. */
export function serveDocs(app: Express): void {
  const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
  app.get('/docs', (_request, response) => {
    response.type('html').send(PAGE);
  });
  app.get('/docs/reference.js', (_request, response) => {
    response.type('text/javascript').send(SCRIPT);
  });
  app.get('/problems/:code', ({ params: { code } }, response, next) => {
    const kind = Object.entries(PROBLEMS).find(([known]) => known === code)?.[1];
    if (kind === undefined) next();
    else response.json({ type: `/problems/${code}`, ...kind });
  });
  for (const file of SHOWN_FILES) {
    app.get(`/docs/${file}`, (_request, response) => response.sendFile(file, { root: folder, maxAge: '1h' }));
  }
}
