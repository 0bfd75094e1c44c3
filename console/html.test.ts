import { withFormTokens } from './forms';
import { html, safeUrl } from './html';
import { withLinks } from './standing';
import type { Shown } from './html';

const HOSTILE = `<script>alert("1")</script>'&`;
const ESCAPED = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;';

describe('a template', () => {
  test('escapes what is put into content and into quoted attributes', () => {
    expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.text).toBe(`<p title="${ESCAPED}">${ESCAPED}</p>`);
  });

  test('joins lists, shows nothing for nothing, and takes markup only as markup', () => {
    const items: readonly Shown[] = [html`<b>1</b>`, '<i>', undefined, false, null, 0];

    expect(html`${items}`.text).toBe('<b>1</b>&lt;i&gt;0');
  });

  test('refuses a value where no escaping makes it safe', () => {
    expect(() => html`<p title=${HOSTILE}></p>`).toThrow('quote the attribute');
    expect(() => html`<p onclick="go(${HOSTILE})"></p>`).toThrow('quote the attribute');
    expect(() => html`<p style="color: ${HOSTILE}"></p>`).toThrow('quote the attribute');
  });
});

test.each([
  ['https://example.org/?a=1', 'https://example.org/?a=1'],
  ['/services/x', '/services/x'],
  ['javascript:alert(1)', '#'],
  ['//evil.test/', '#'],
  ['/\\evil.test', '#'],
  ['data:text/html,x', '#'],
])('the address %s leads to %s', (given, expected) => {
  expect(safeUrl(given)).toBe(expected);
});

test("every form that posts in a hook's markup gets the token, others do not", () => {
  const markup =
    '<form method="post" action="/a"></form><form action="/b" METHOD=POST></form><form action="/c"></form>';

  const { text } = withFormTokens(markup, { formToken: 'token', page: '' });

  expect(text.match(/name="_form" value="token"/g)).toHaveLength(2);
  expect(text).toContain('<form action="/c"></form>');
});

test('web addresses in the text of a service can be followed, the rest is text', () => {
  const { text } = withLinks('Go to https://club.test/key?a=1&b=2, then <b>wait</b>.');

  expect(text).toBe(
    'Go to <a href="https://club.test/key?a=1&amp;b=2" rel="noopener noreferrer">https://club.test/key?a=1&amp;b=2</a>, then &lt;b&gt;wait&lt;/b&gt;.',
  );
});
