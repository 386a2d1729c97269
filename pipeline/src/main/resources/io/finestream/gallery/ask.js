// The form, and what came of what was asked for.
import {byId, clock, element, fromTemplate, picture, settings, variations} from './text.js';
import {picker} from './picker.js';

const MAX_ORDERS = 20;
const MAX_RECENT = 200;
const STORED = 'orders'; // of this tab, so that a reload keeps them
const NUMBERS = ['count', 'guidanceScale', 'intervalLow', 'intervalHigh', 'guidedChannels', 'steps', 'eta', 'cacheInterval', 'priority'];
const SAMPLING = ['guidance', 'guidanceScale', 'intervalLow', 'intervalHigh', 'guidedChannels', 'sampler', 'eta', 'respacing', 'cacheInterval'];

const form = byId('ask-form');
const orders = new Map(); // request id -> {order, item, images: places in Kafka, samples: bars, end, reason}, newest last
let recent = []; // images that may have come before the answer to their request
let modelScale = '';
let open = () => {};

export function start(openImage) {
  open = openImage;
  form.elements.seed.value = anotherSeed();
  picker(byId('class'), byId('class-list'), byId('class-found'));
  restore();
}

function restore() {
  try {
    for (const {order, end, reason} of JSON.parse(sessionStorage.getItem(STORED) ?? '[]')) {
      list(order);
      if (end) ended(orders.get(order.requestId), end, reason);
    }
  } catch {
    // the browser keeps nothing, or another release of the page kept it
  }
  store();
}

function store() {
  try {
    sessionStorage.setItem(STORED, JSON.stringify([...orders.values()].map(({order, end, reason}) => ({order, end, reason}))));
  } catch {
    // the browser keeps nothing: a reload forgets them
  }
}

export function limits({maxCount, timesteps, guidanceScale}) {
  modelScale = guidanceScale;
  form.elements.count.max = maxCount;
  form.elements.steps.max = timesteps;
  form.elements.guidanceScale.placeholder = guidanceScale;
}

export const anotherSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);

// Sends one request; the server says what is wrong with it. Gives the answer, or throws with the reason.
export async function send(asked) {
  let answer;
  try {
    answer = await fetch('/requests', {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify(asked),
    });
  } catch {
    throw new Error('the page’s program does not answer; is it still running?');
  }
  const text = await answer.text();
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    throw new Error(text.trim() || `the answer was ${answer.status}`);
  }
  if (!answer.ok) throw new Error(told.error);
  list({guidanceScale: modelScale, ...asked, ...told, askedAt: Date.now()});
  store();
  return told;
}

function list(order) {
  const item = fromTemplate('order');
  item.dataset.requestId = order.requestId;
  item.querySelector('.subclass').textContent = order.subclass;
  item.querySelector('.made').textContent =
    settings({...order, guidanceScale: order.guidance === 'NONE' ? 'none' : order.guidanceScale});
  orders.set(order.requestId, {order, item, images: new Set(), samples: new Map()});
  item.querySelector('.actions').append(cancelButton(order.requestId));
  byId('asked').prepend(item);
  for (const [id, old] of orders) {
    if (orders.size <= MAX_ORDERS) break;
    orders.delete(id);
    old.item.remove();
  }
  state(orders.get(order.requestId), `asked ${clock(order.askedAt)}`);
  recent.filter(image => image.requestId === order.requestId).forEach(show);
}

function cancelButton(requestId) {
  const button = element('button', 'quiet');
  button.type = 'button';
  button.textContent = 'Cancel';
  button.addEventListener('click', async () => {
    try {
      const answer = await fetch('/api/cancel', {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({requestId}),
      });
      if (!answer.ok) throw new Error((await answer.text()).trim());
      button.remove();
    } catch (e) {
      message(e.message, true);
    }
  });
  return button;
}

// Where a sample is, as its generator tells: a bar, with the image as it would be by now.
export function progress({requestId, sample, what, step, steps, preview, reason}) {
  const known = orders.get(requestId);
  if (!known || known.end) return;
  if (what === 'STEP') {
    if (!known.samples.has(sample)) known.samples.set(sample, bar(known.item, sample));
    const row = known.samples.get(sample);
    row.querySelector('progress').max = steps;
    row.querySelector('progress').value = step;
    if (preview) {
      row.querySelector('img').src = preview;
      row.querySelector('img').hidden = false;
    }
    return;
  }
  known.samples.get(sample)?.remove();
  known.samples.delete(sample);
  if (['FAILED', 'CANCELLED', 'EXPIRED'].includes(what)) {
    ended(known, what.toLowerCase(), reason);
  }
}

function bar(item, sample) {
  const row = element('div', 'sample');
  const image = element('img');
  image.alt = '';
  image.hidden = true;
  const bar = element('progress');
  bar.setAttribute('aria-label', `sample ${sample}`);
  row.append(image, bar);
  item.querySelector('.progress').append(row);
  return row;
}

function ended(known, end, reason) {
  Object.assign(known, {end, reason});
  known.samples.forEach(row => row.remove());
  known.samples.clear();
  known.item.querySelector('.actions').replaceChildren();
  known.item.querySelector('.refusal').textContent = reason ?? '';
  known.item.querySelector('.refusal').hidden = !reason;
  known.item.querySelector('.state').classList.toggle('done', end === 'done');
  state(known, end);
  store();
}

function state({item}, text) {
  item.querySelector('.state').textContent = text;
}

export function arrive(image) {
  recent = [...recent, image].slice(-MAX_RECENT);
  show(image);
}

function show(image) {
  const known = orders.get(image.requestId);
  if (!known || known.images.has(image.place)) return;
  const {order, item, images} = known;
  images.add(image.place);
  if (images.size >= order.count) ended(known, 'done');
  else if (known.end !== 'done') state(known, `${known.end ? known.end + ', ' : ''}${images.size} of ${order.count}`);
  const thumb = element('li');
  const button = element('button');
  button.type = 'button';
  button.append(picture(image, `${image.subclass}, sample ${image.sample}`));
  button.addEventListener('click', () => open(image));
  thumb.append(button);
  item.querySelector('.thumbs').append(thumb);
}

export function refused(refusals) {
  for (const {requestId, reason} of refusals) {
    const known = orders.get(requestId);
    if (known && known.end !== 'done' && !known.reason) ended(known, known.end ?? 'refused', reason);
  }
}

export function choose(subclass) {
  form.elements.subclass.value = subclass;
}

// What the form says, without what it leaves open.
export function asked() {
  const {elements} = form;
  const all = {subclass: elements.subclass.value.trim()};
  for (const name of NUMBERS) {
    const {value, validity} = elements[name];
    if (validity.badInput) all[name] = 'no number';
    else if (value !== '') all[name] = Number(value);
  }
  for (const name of ['seed', 'sampler', 'guidance', 'respacing']) {
    if (elements[name].value.trim() !== '') all[name] = elements[name].value.trim();
  }
  return all;
}

// Same class, same settings, another seed.
export function fill(image) {
  const {elements} = form;
  elements.subclass.value = image.subclass;
  elements.seed.value = anotherSeed();
  for (const name of SAMPLING) elements[name].value = image[name];
  elements.steps.value = image.stepsRequested;
  form.querySelector('details').open ||= variations(image) !== '';
  byId('ask').open = true;
  byId('ask').scrollIntoView({block: 'nearest'});
  form.querySelector('[type=submit]').focus();
}

function message(text, bad) {
  byId('ask-message').textContent = text;
  byId('ask-message').classList.toggle('bad', bad);
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  const button = form.querySelector('[type=submit]');
  if (!form.elements.seed.value.trim()) form.elements.seed.value = anotherSeed();
  button.setAttribute('aria-disabled', 'true'); // keeps the focus, which disabled would lose
  message('sending', false);
  try {
    const {count, seed} = await send(asked());
    message(`Asked for ${count} ${count === 1 ? 'image' : 'images'}, seed ${seed}.`, false);
  } catch (e) {
    message(e.message, true);
  } finally {
    button.removeAttribute('aria-disabled');
  }
});

byId('another-seed').addEventListener('click', () => { form.elements.seed.value = anotherSeed(); });
