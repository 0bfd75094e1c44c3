// What pages do beyond HTML: times in the reader's zone, live parts, copying. Every page works without it.
'use strict';
(() => {
  const copied = document.currentScript.dataset.copied;
  const inZone = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

  function showTimes(root) {
    for (const one of root.querySelectorAll('time[datetime]:not([data-shown])')) {
      const moment = new Date(one.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      one.textContent = inZone.format(moment);
      one.title = exactly.format(moment);
      one.dataset.shown = '';
    }
  }

  // A live part: its address sends what is to stand in it. The browser asks again by itself when the line breaks.
  function follow(root) {
    for (const one of root.querySelectorAll('[data-live]:not([data-followed])')) {
      one.dataset.followed = '';
      const source = new EventSource(one.dataset.live);
      source.addEventListener('part', (event) => {
        if (!one.isConnected) {
          source.close();
          return;
        }
        swap(one, event.data);
      });
      source.addEventListener('end', () => source.close());
    }
  }

  // What somebody is in the middle of (an open question, a focused button) is not taken from under their hands.
  function swap(one, markup) {
    if (
      one.querySelector('details[open]') ||
      (one.contains(document.activeElement) && document.activeElement.matches('input, select, textarea'))
    )
      return;
    const focused = one.contains(document.activeElement) ? document.activeElement.id : '';
    const template = document.createElement('template');
    template.innerHTML = markup;
    one.replaceChildren(template.content);
    if (focused) document.getElementById(focused)?.focus();
    ready(one);
  }

  function ready(root) {
    showTimes(root);
    follow(root);
    for (const button of root.querySelectorAll('button[data-copy][hidden]')) button.hidden = false;
    window.htmx?.process(root);
  }

  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null;
    if (button) {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = copied;
      return;
    }
    // A question closes when something else is clicked.
    for (const open of document.querySelectorAll('details.ask[open]'))
      if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const open of document.querySelectorAll('details.ask[open]')) {
      open.open = false;
      open.querySelector('summary').focus();
    }
  });
  // A form that is on its way is not sent twice.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post') return;
    if (form.dataset.sent !== undefined) event.preventDefault();
    form.dataset.sent = '';
    setTimeout(() => delete form.dataset.sent, 3000);
  });
  for (const name of ['htmx:after:swap', 'htmx:afterSwap']) document.addEventListener(name, () => ready(document));
  ready(document);
})();
