import { assetUrl } from './assets';
import { actionButton } from './forms';
import { html, safeUrl } from './html';
import { FRAME } from './texts/frame';
import { wrongBox } from './wrong-box';
import type { Html } from './html';
import type { MenuSection } from './menu';
import type { Visitor, Wrong } from './page';

/** What stands around a page. */
export interface Frame {
  readonly title: string;
  readonly main: Html;
  readonly visitor: Visitor;
  /** Of whoever is signed in. */
  readonly name: string;
  readonly menu: readonly MenuSection[];
  /** Path of this page: marks its entry of the menu. */
  readonly path: string;
  readonly trail: readonly { readonly label: string; readonly url: string }[];
  /** What came of the act before. */
  readonly said: string | undefined;
  /** What did not work, when a form is shown again. */
  readonly wrong: Wrong | undefined;
}

/** A whole page. */
export function layout(frame: Frame): string {
  const { title, main, trail, said, visitor, wrong } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content='{"includeIndicatorCSS":false}' />
        <title>${title} · ${FRAME.product}</title>
        <link rel="icon" href="${assetUrl('icon.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetUrl('style.css')}" />
        <script src="${assetUrl('htmx.js')}" defer></script>
        <script src="${assetUrl('console.js')}" type="module"></script>
      </head>
      <body class="${visitor.isSignedIn ? 'framed' : 'door'}" ${pageData(frame)}>
        <a class="skip" href="#content">${FRAME.skip}</a>
        ${visitor.isSignedIn && side(frame)}
        <main id="content" tabindex="-1">
          ${trail.length > 0 && trailLine(trail)}
          <h1>${title}</h1>
          <div role="status" id="said">${said !== undefined && html`<p class="said">${said}</p>`}</div>
          ${wrong !== undefined && wrongBox(wrong, !main.text.includes(' autofocus'))} ${main}
        </main>
      </body>
    </html> `.text;
}

/** Words for the script, and the address that a page has which was shown again in answer to a form. */
function pageData({ visitor, wrong }: Frame): Html {
  const again = wrong !== undefined && html`data-page="${visitor.page}"`;
  return html`data-copied="${FRAME.copied}" data-stopped="${FRAME.stopped}" ${again}`;
}

function side({ menu, path, visitor, name }: Frame): Html {
  return html`<header class="side">
    <a class="product" href="/">${FRAME.product}</a>
    <nav aria-label="${FRAME.menu}">
      ${menu.map(
        ({ label, entries }) =>
          html`<h2>${label}</h2>
            <ul>
              ${entries.map(
                (entry) =>
                  html`<li>
                    <a href="${safeUrl(entry.url)}" ${isCurrent(entry.url, menu, path) && html`aria-current="page"`}
                      >${entry.label}${
                        entry.count !== undefined &&
                        entry.count > 0 &&
                        html` <span class="count"
                          >${entry.count}<span class="unseen"> ${FRAME.unread(entry.count)}</span></span
                        >`
                      }</a
                    >
                  </li>`,
              )}
            </ul>`,
      )}
    </nav>
    <div class="who">
      <a href="/my/sign-in" ${path === '/my/sign-in' && html`aria-current="page"`}><bdi>${name}</bdi></a>
      ${actionButton(visitor, { action: '/sign-out', label: FRAME.signOut })}
    </div>
  </header>`;
}

/** The entry with the longest address that leads here. */
function isCurrent(url: string, menu: readonly MenuSection[], path: string): boolean {
  const leads = (one: string): boolean => path === one || path.startsWith(`${one}/`);
  if (!leads(url)) return false;
  return !menu.some(({ entries }) => entries.some((other) => other.url.length > url.length && leads(other.url)));
}

function trailLine(trail: Frame['trail']): Html {
  return html`<nav class="trail" aria-label="${FRAME.trail}">
    <ol>
      ${trail.map(
        ({ label, url }) =>
          html`<li>
            <a href="${safeUrl(url)}"><bdi>${label}</bdi></a>
          </li>`,
      )}
    </ol>
  </nav>`;
}
