/** The page behind a link in a mail. The token stands in the fragment, which no server ever sees. */
export const PASSWORD_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Choose a password</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 24rem; margin: 12vh auto 0; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
input { box-sizing: border-box; width: 100%; margin-top: 0.25rem; padding: 0.5rem; font: inherit; }
button { padding: 0.5rem 1rem; font: inherit; }
</style>
</head>
<body>
<main>
<h1>Choose a password</h1>
<form id="choose">
<p><label for="password">Password, at least 8 characters</label><br>
<input id="password" name="password" type="password" minlength="8" maxlength="1024" autocomplete="new-password" required></p>
<p><button type="submit">Set password</button></p>
</form>
<p id="said" role="status"></p>
<noscript><p>This page needs JavaScript.</p></noscript>
</main>
<script src="/password.js"></script>
</body>
</html>
`;

/** Sends the password with the token, and says what came of it. */
export const PASSWORD_SCRIPT = `'use strict';
const form = document.getElementById('choose');
const said = document.getElementById('said');
const token = new URLSearchParams(location.hash.slice(1)).get('token') || '';
history.replaceState(null, '', location.pathname);
if (token === '') {
  form.hidden = true;
  said.textContent = 'Open the link in the mail again, whole: without what stands behind its # nothing can be set here.';
}
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await fetch('/v1/auth/password', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' },
    body: JSON.stringify({ password: form.password.value }),
  }).catch(() => undefined);
  if (answer && answer.status === 204) {
    form.hidden = true;
    said.textContent = 'The password is set. You can log in now.';
    return;
  }
  const problem = answer ? await answer.json().catch(() => ({})) : { detail: 'Muster does not answer. Try again.' };
  said.textContent = problem.detail || 'It did not work. Ask for a new link.';
});
`;
