/** A browser for one person: keeps cookies, follows redirects, and fills in the server's forms. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  constructor(private readonly login: string) {}

  /** Signs in and consents, or declines; answers the address to which the server sends the person back. */
  async consent(authorizationUrl: string, decision: 'accept' | 'decline' = 'accept'): Promise<URL> {
    const origin = new URL(authorizationUrl).origin;
    let answer = await this.#request(new URL(authorizationUrl));
    for (let step = 0; step < 12; step += 1) {
      const location = answer.headers.get('location');
      if (location !== null) {
        const next = new URL(location, answer.url);
        if (next.origin !== origin) return next;
        answer = await this.#request(next);
        continue;
      }
      answer = await this.#submit(answer, decision);
    }
    throw new Error('the server never sent the person back');
  }

  async #submit(page: Response, decision: 'accept' | 'decline'): Promise<Response> {
    const html = await page.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1];
    const abort = /href="([^"]+\/abort)"/.exec(html)?.[1];
    if (decision === 'decline' && abort !== undefined) return this.#request(new URL(abort, page.url));
    if (action === undefined || prompt === undefined) throw new Error(`no form on the page: ${html.slice(0, 300)}`);
    const fields = prompt === 'login' ? { prompt, login: this.login, password: 'any' } : { prompt };
    return this.#request(new URL(action, page.url), new URLSearchParams(fields));
  }

  async #request(url: URL, form?: URLSearchParams): Promise<Response> {
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: form }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split(/=(.*)/s);
      this.#cookies.set(name, value);
    }
    return answer;
  }
}
