import { escapeHtml } from '../sdk/index';

/** A page of a few words, for a browser that came back from another side. Everything is escaped. */
export function shortPage(title: string, text: string): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title><link rel="stylesheet" href="/console/style.css"></head>`,
    `<body class="door"><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>`,
    '<p><a href="/">Muster</a></p></main></body>',
    '</html>',
    '',
  ].join('\n');
}
