import { createTestApi } from '../test/environment/api';
import type { TestApi } from '../test/environment/api';

describe('the frame of the API', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await createTestApi();
  });
  afterAll(() => api.close());

  test('health needs no token and says what answers', async () => {
    const live = await api.anonymous('get', '/health/live').expect(200);
    const ready = await api.anonymous('get', '/health/ready').expect(200);

    expect(live.body).toEqual({ status: 'live' });
    expect(ready.body).toEqual({
      status: 'ready',
      database: true,
      temporal: true,
      skippedConnectors: ['broken-module'],
      authProviders: { local: true },
    });
  });

  test('a missing token is a 401 that names the scheme', async () => {
    const answer = await api.anonymous('get', '/v1/operations').expect(401);

    expect(answer.headers['www-authenticate']).toBe('Bearer realm="muster"');
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      type: '/problems/unauthenticated',
      status: 401,
      instance: expect.stringMatching(/^urn:request:/),
    });
  });

  test('a wrong token is refused as invalid', async () => {
    const answer = await api.anonymous('get', '/v1/operations').set('Authorization', 'Bearer muster_wrong').expect(401);

    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  test('an unknown path is a 404 problem', async () => {
    const answer = await api.call('get', '/v1/nonsense').expect(404);

    expect(answer.body.type).toBe('/problems/route-not-found');
  });

  test('another method is a 405 that lists the possible ones', async () => {
    const answer = await api.call('delete', '/v1/operations').expect(405);

    expect(answer.headers['allow']).toBe('GET, HEAD, OPTIONS');
  });

  test.each([
    ['/v1/operations?limit=0', '/query/limit'],
    ['/v1/operations?limit=501', '/query/limit'],
    ['/v1/operations?limit=5&limit=6', '/query/limit'],
    ['/v1/operations?order=name', '/query/order'],
    ['/v1/operations?cursor=abc', '/query/cursor'],
    ['/v1/operations/not-a-uuid', '/path/operationId'],
    ['/v1/operations?user=a%00b', '/query/user'],
  ])('%s is a 400 that points at the mistake', async (path, pointer) => {
    const answer = await api.call('get', path).expect(400);

    expect(answer.body.type).toBe('/problems/invalid-request');
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  test('a broken percent-escape is a 400', async () => {
    await api.call('get', '/v1/operations/%E0%A4%A').expect(400);
  });

  test('the request id comes back and stands in the log', async () => {
    const answer = await api.call('get', '/v1/operations').set('X-Request-Id', 'given-by-caller').expect(200);

    expect(answer.headers['x-request-id']).toBe('given-by-caller');
    expect(api.logged().match(/"requestId":"given-by-caller"/g)).toHaveLength(1);
  });

  test('the token never reaches the log', () => {
    expect(api.logged()).not.toContain(api.token);
  });

  test('the reference page works under its own security policy', async () => {
    const page = await api.anonymous('get', '/docs').expect(200);
    const script = await api.anonymous('get', '/docs/reference.js').expect(200);
    const bundle = await api.anonymous('get', '/docs/swagger-ui-bundle.js').expect(200);

    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.text).not.toMatch(/<script>|https?:\/\//);
    expect(script.text).toContain('/v1/openapi.json');
    expect(bundle.headers['content-type']).toContain('javascript');
  });

  test('metrics show requests by route template, not by id', async () => {
    const answer = await api.call('get', '/metrics').expect(200);

    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.text).toContain('muster_http_request_seconds_count{route="GET /v1/operations",status="200"}');
    expect(answer.text).toContain('muster_changes_unexpanded 0');
  });
});
