import express from 'express';
import request from 'supertest';
import { allowOrigins } from './cors';

const FRIEND = 'https://portal.example.org';

function appFor(origins: readonly string[]): express.Express {
  const app = express();
  app.use(allowOrigins(origins));
  app.use((_request, response) => void response.json({}));
  return app;
}

describe('requests of pages from elsewhere', () => {
  test('are allowed to nobody unless it is configured', async () => {
    const answer = await request(appFor([])).get('/v1/users').set('Origin', FRIEND);

    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('are allowed to the origins that are named, without cookies', async () => {
    const app = appFor([`${FRIEND}/`]);

    const asked = await request(app)
      .options('/v1/users')
      .set('Origin', FRIEND)
      .set('Access-Control-Request-Method', 'PATCH')
      .expect(204);
    const answer = await request(app).get('/v1/users').set('Origin', FRIEND).expect(200);

    expect(asked.headers['access-control-allow-methods']).toContain('PATCH');
    expect(answer.headers['access-control-allow-origin']).toBe(FRIEND);
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  test.each([
    ['another origin', '/v1/users', 'https://portal.example.org.evil.example'],
    ['the pages of the console', '/sign-in', FRIEND],
  ])('are not allowed to %s', async (_what, path, origin) => {
    const answer = await request(appFor([FRIEND]))
      .get(path)
      .set('Origin', origin);

    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });
});
