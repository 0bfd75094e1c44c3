import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeHtml } from '../../sdk/index';
import type { MailKind } from '../../store/mails';

/** The text of a mail, its subject first; `{{word}}` is filled in. */
export interface Template {
  readonly subject: string;
  readonly text: string;
}

export type Templates = Readonly<Record<MailKind, Template>>;
export type Words = Readonly<Record<string, string>>;

const BUILT_IN: Templates = {
  'password-reset': {
    subject: 'A new password for {{name}}',
    text: [
      'Hello {{displayName}},',
      'somebody, hopefully you, asked for a new password for {{name}}. Choose it here within {{validFor}}; the link works once:',
      '{{link}}',
      'If it was not you, do nothing: your password stays as it is.',
    ].join('\n\n'),
  },
  invitation: {
    subject: 'Your login {{name}}',
    text: [
      'Hello {{displayName}},',
      'a login has been made for you. Its name is {{name}}. Choose your password here within {{validFor}}; the link works once:',
      '{{link}}',
    ].join('\n\n'),
  },
  notification: { subject: '{{title}}', text: ['Hello {{displayName}},', '{{text}}', '{{publicUrl}}'].join('\n\n') },
};

/**
 * The built-in texts, and those of a folder in their place: `<kind>.txt`, whose first line is the subject and whose second is
 * empty. @throws Error when a file is not like that
 */
export function loadTemplates(folder: string | undefined): Templates {
  if (folder === undefined) return BUILT_IN;
  const own = (kind: MailKind): Template => {
    const file = join(folder, `${kind}.txt`);
    return existsSync(file) ? parse(file, readFileSync(file, 'utf8')) : BUILT_IN[kind];
  };
  return {
    'password-reset': own('password-reset'),
    invitation: own('invitation'),
    notification: own('notification'),
  };
}

function parse(file: string, content: string): Template {
  const [subject = '', empty, ...lines] = content.replaceAll('\r\n', '\n').split('\n');
  if (subject === '' || empty !== '' || lines.length === 0)
    throw new Error(`${file}: the first line is the subject, the second is empty, then comes the text`);
  return { subject, text: lines.join('\n').trim() };
}

/** Fills a template in. Words that it does not know stay empty; values never become headers, markup or words again. */
export function compose(
  template: Template,
  words: Words,
): { readonly subject: string; readonly text: string; readonly html: string } {
  const subject = filled(template.subject, words, oneLine);
  const text = filled(template.text, words, (value) => value);
  const paragraphs = template.text
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${htmlOf(filled(escapeHtml(paragraph), words, escapeHtml))}</p>`);
  return {
    subject,
    text: `${text}\n`,
    html: `<!doctype html><html lang="en"><body>${paragraphs.join('')}</body></html>`,
  };
}

function filled(template: string, words: Words, wrap: (value: string) => string): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_all, word: string) =>
    wrap(Object.hasOwn(words, word) ? (words[word] ?? '') : ''),
  );
}

function oneLine(value: string): string {
  return value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200);
}

/** A paragraph that is an address is a link; the rest is text. */
function htmlOf(paragraph: string): string {
  const lines = paragraph.replaceAll('\n', '<br>');
  return /^https?:\/\/[^\s<>]+$/.test(lines) ? `<a href="${lines}">${lines}</a>` : lines;
}
