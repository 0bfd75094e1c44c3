import type { ServiceControlView } from './hook';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for HTML content and attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

/** The default template: one `<tr>` with four cells; a button only where its URL is given and it makes sense now. */
export function renderServiceControl(view: ServiceControlView): string {
  const cells = [escapeHtml(view.serviceName), escapeHtml(view.username ?? ''), link(view.serviceUrl), buttons(view)];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function link(url: string | undefined): string {
  if (url === undefined) return '';
  // Only web addresses become links: a `javascript:` URL in a configuration must stay text.
  if (!/^https?:\/\//i.test(url)) return escapeHtml(url);
  return `<a href="${escapeHtml(url)}" rel="noopener noreferrer">${escapeHtml(url)}</a>`;
}

function buttons(view: ServiceControlView): string {
  return [...defaults(view), ...view.buttons.map((extra) => button(extra.label, extra.url))].join('');
}

function defaults({ status, urls }: ServiceControlView): readonly string[] {
  if (status !== 'active' && status !== 'pending') return [button('Activate', urls.activate)];
  // While the service waits for the person's own step there is nothing there that could have a password.
  const passwords =
    status === 'pending'
      ? []
      : [button('Reset password', urls.resetPassword), button('Set password', urls.setPassword)];
  return [button('Deactivate', urls.deactivate), ...passwords];
}

function button(label: string, url: string | undefined): string {
  if (url === undefined) return '';
  return `<form method="post" action="${escapeHtml(url)}"><button type="submit">${escapeHtml(label)}</button></form>`;
}
