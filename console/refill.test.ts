import { field, postForm } from './forms';
import { html } from './html';
import { refilled } from './refill';
import type { Html } from './html';
import type { ErrorItem } from '../store/errors';

const visitor = { formToken: 'token', page: '/page' };

function again(main: Html, typed: Readonly<Record<string, string>>, errors: readonly ErrorItem[] = []) {
  return refilled(main, { action: '/act', fields: new URLSearchParams(typed), errors });
}

function form(body: Html, action = '/act'): Html {
  return postForm({ action, visitor, body });
}

test('what was typed stands in the form again, escaped, and in no other form', () => {
  const body = field({ name: 'title', label: 'Title' });
  const { main } = again(html`${form(body, '/other')}${form(body)}`, { title: '"><script>' });

  expect(main.text.split('</form>').map((one) => one.includes('value="&quot;&gt;&lt;script&gt;"'))).toEqual([
    false,
    true,
    false,
  ]);
});

test('boxes, choices and texts of several lines are as they were left', () => {
  const body = html`<input type="checkbox" name="a" value="1" /><input type="checkbox" name="b" value="1" checked />
    <select name="c">
      <option value="x" selected>x</option>
      <option value="y">y</option>
    </select>
    <textarea name="d">old</textarea>`;
  const { text } = again(form(body), { a: '1', c: 'y', d: 'one\ntwo <b>' }).main;

  expect(text).toMatch(/name="a" value="1" checked \/>/);
  expect(text).toMatch(/name="b" value="1" \/>/);
  expect(text).toMatch(/value="x">x[\s\S]*value="y" selected>y/);
  expect(text).toContain('<textarea name="d">\none\ntwo &lt;b&gt;</textarea>');
});

test('no secret is sent back', () => {
  const body = html`${field({ name: 'word', label: 'Word', type: 'password' })}<textarea name="key"></textarea>`;
  const key = '-----BEGIN PRIVATE KEY-----canary';
  const { text } = again(form(body), { word: 'canary', key }, [{ pointer: '/word', detail: 'is too short' }]).main;

  expect(text).not.toContain('canary');
  expect(text).toContain('is too short');
});

test('what is wrong stands at its field, tied to it, with the cursor there; the rest is told apart', () => {
  const body = html`${field({ name: 'first', label: 'First', hasFocus: true })}${field({ name: 'config.host', label: 'Host', hint: 'a hint' })}`;
  const errors = [
    { pointer: '/config/host', detail: 'is not <a> host' },
    { pointer: '/elsewhere', detail: 'no field' },
  ];
  const { main, rest } = again(form(body), { first: '1', 'config.host': '2' }, errors);

  expect(rest).toEqual([errors[1]]);
  expect(main.text).toContain('<p class="error" id="field-config.host-error">is not &lt;a&gt; host</p>');
  expect(main.text).toMatch(
    /id="field-config\.host"[^>]*aria-describedby="field-config\.host-hint field-config\.host-error"/,
  );
  expect(main.text.match(/ autofocus/g)).toHaveLength(1);
  expect(main.text).toMatch(/name="config\.host"[^>]* autofocus/);
});

test.each([
  ['/groups/3', 'groups', 'groups'],
  ['/name', 'name.0190', 'name.0190'],
  ['/token/lifeS', 'lifeS', 'lifeS'],
])('%s is found at the field %s', (pointer, name, found) => {
  const { rest, main } = again(form(field({ name, label: 'Field' })), {}, [{ pointer, detail: 'wrong' }]);

  expect(rest).toEqual([]);
  expect(main.text).toContain(`id="field-${found}-error"`);
});

test('of several forms to one address the one with the same hidden fields is filled, and its question is open', () => {
  const one = (id: string): Html =>
    html`<details class="ask">
      <summary>${id}</summary>
      ${form(html`<input type="hidden" name="id" value="${id}" />${field({ name: 'why', label: 'Why' })}`)}
    </details>`;
  const { text } = again(html`${one('a')}${one('b')}`, { id: 'b', why: 'because' }).main;

  const [first = '', second = ''] = text.split('</details>');
  expect(first).not.toContain('because');
  expect(second).toContain('<details class="ask" open>');
  expect(second).toContain('value="because"');
});
