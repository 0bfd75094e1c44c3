// What pages do beyond HTML: times in the reader's zone, live parts, copying, ticking all. Every page works without it.
const inZone = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
/** A form that was sent is not sent again for so long. */
const SENT_MS = 3000;

function showTimes(root) {
  for (const one of root.querySelectorAll('time[datetime]:not([data-shown])')) {
    const moment = new Date(one.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    one.textContent = inZone.format(moment);
    one.title = exactly.format(moment);
    one.dataset.shown = '';
  }
}

/** What live parts show, as it came. */
const shown = new WeakMap();
/** What is to stand in live parts as soon as nobody is in the middle of something there. */
const postponed = new Map();
let isPressing = false;

/** A live part: its address sends what is to stand in it. The browser asks again by itself when the line breaks. */
function follow(root) {
  for (const one of root.querySelectorAll('[data-live]:not([data-followed])')) {
    one.dataset.followed = '';
    shown.set(one, one.innerHTML);
    const source = new EventSource(one.dataset.live);
    source.addEventListener('part', (event) => {
      if (one.isConnected) offer(one, event.data);
      else source.close();
    });
    source.addEventListener('end', () => source.close());
    source.addEventListener('error', () => {
      // Closed by the other side for good: signed out, or not to be seen any more.
      if (source.readyState === EventSource.CLOSED && one.isConnected) one.before(stopped());
    });
  }
}

function stopped() {
  const note = document.createElement('p');
  note.className = 'note warn';
  note.setAttribute('role', 'status');
  note.textContent = document.body.dataset.stopped;
  return note;
}

/** Secrets of links stand in the fragment, which is sent nowhere: their fields take them from there. */
function takeFragment() {
  for (const one of document.querySelectorAll('input[data-fragment]')) {
    const found = new URLSearchParams(location.hash.slice(1)).get(one.dataset.fragment);
    if (found !== null) {
      one.value = found;
      history.replaceState(null, '', location.pathname + location.search);
    }
    if (one.value !== '') one.closest('.field').hidden = true;
  }
}

/** A page that was shown again in answer to a form has the form's address: it gets its own back, so that it can be loaded anew. */
function takeAddress() {
  const { page } = document.body.dataset;
  if (page) history.replaceState(null, '', page);
}

/** What somebody is in the middle of (an open question, a field, a press) is not taken from under their hands. */
function isBusy(one) {
  const active = one.contains(document.activeElement) ? document.activeElement : null;
  return (
    isPressing || one.querySelector('details[open]') !== null || active?.matches('input, select, textarea') === true
  );
}

function offer(one, markup) {
  if (isBusy(one)) {
    postponed.set(one, markup);
    return;
  }
  postponed.delete(one);
  const template = document.createElement('template');
  template.innerHTML = markup;
  // Nothing new: who reads or hears it is not disturbed.
  if (template.innerHTML === shown.get(one)) return;
  shown.set(one, template.innerHTML);
  const focused = one.contains(document.activeElement) ? document.activeElement.id : '';
  one.replaceChildren(template.content);
  if (focused !== '') document.getElementById(focused)?.focus();
  ready(one);
}

function catchUp() {
  for (const [one, markup] of postponed) offer(one, markup);
}

function boxesOf(all) {
  const { all: name } = all.dataset;
  return [...all.closest('table').querySelectorAll('tbody input[type="checkbox"]')].filter((box) => box.name === name);
}

/** The box at the head of a table says whether all of its rows are ticked, none, or some. */
function showTicked(root) {
  for (const all of root.querySelectorAll('input[data-all]')) {
    const boxes = boxesOf(all);
    const ticked = boxes.filter(({ checked }) => checked).length;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    all.hidden = false;
  }
}

function tick({ target }) {
  if (!(target instanceof HTMLInputElement) || target.type !== 'checkbox') return;
  if (target.dataset.all !== undefined) for (const box of boxesOf(target)) box.checked = target.checked;
  const table = target.closest('table');
  if (table) showTicked(table);
}

function ready(root) {
  // Before anything in them is altered: what comes is compared with what came.
  follow(root);
  showTimes(root);
  showTicked(root);
  // Browsers have no clipboard for pages that came without encryption.
  if (navigator.clipboard)
    for (const button of root.querySelectorAll('button[data-copy][hidden]')) button.hidden = false;
  window.htmx?.process(root);
}

function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  void navigator.clipboard.writeText(text).then(() => {
    button.textContent = document.body.dataset.copied;
  });
}

function closeQuestions(except) {
  for (const open of document.querySelectorAll('details.ask[open]')) if (!open.contains(except)) open.open = false;
}

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null;
  if (button) copy(button);
  else closeQuestions(event.target);
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const summary = document.querySelector('details.ask[open] > summary');
  closeQuestions(null);
  summary?.focus();
});
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sent !== undefined) event.preventDefault();
  form.dataset.sent = '';
  setTimeout(() => delete form.dataset.sent, SENT_MS);
});
document.addEventListener('change', tick);
// Browsers tick again what was ticked when one goes back.
window.addEventListener('pageshow', () => showTicked(document));
document.addEventListener('pointerdown', () => {
  isPressing = true;
});
for (const end of ['pointerup', 'pointercancel', 'toggle', 'focusout'])
  document.addEventListener(
    end,
    () => {
      if (end.startsWith('pointer')) isPressing = false;
      // After the click that the press ends in.
      setTimeout(catchUp);
    },
    true,
  );
document.addEventListener('htmx:after:swap', () => ready(document));
takeAddress();
takeFragment();
ready(document);
