import { escapeHtml } from '../sdk/index';
import type { Request, Response } from 'express';

/** What a browser is told that came back from another side. */
export interface Words {
  readonly title: string;
  readonly text: string;
}

/** A whole page with these words, for whoever asked; everything is escaped. */
export type SayWords = (request: Request, response: Response, words: Words) => Promise<string>;

/** The page where there is no console to frame it. Everything is escaped. */
export function shortPage({ title, text }: Words): string {
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
