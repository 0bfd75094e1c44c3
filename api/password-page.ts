/** The page behind a link in a mail. The token stands in the fragment, which no server ever sees. */
export const PASSWORD_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Choose a password · Muster</title>
<link rel="stylesheet" href="/console/style.css">
</head>
<body class="door">
<main>
<h1>Choose a password</h1>
<form id="choose" class="stacked">
<div class="field"><label for="password">Password, at least 8 characters</label>
<input id="password" name="password" type="password" minlength="8" maxlength="1024" autocomplete="new-password" required></div>
<p><button type="submit" class="main">Set password</button></p>
</form>
<p id="said" role="status"></p>
<p><a href="/sign-in">Sign in</a></p>
<noscript><p>This page needs JavaScript: the token of the link stands where servers do not see it.</p></noscript>
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
