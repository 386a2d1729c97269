// Everything that came from Kafka or from a file's name is put on the page as text, never as markup.

import {byId, connection, eventsOf} from './text.js';
import {freshness, showTimeline} from './timeline.js';

const MOST_FILES = 200; // at a time
const MOST_SUGGESTED = 50; // classes in the list below the field
const AT_ONCE = 3; // uploads
const THUMBNAIL = 80; // pixels

const subclassField = byId('subclass');
const superclassField = byId('superclass');
const dialog = byId('rollback');
const versions = new Map(); // offset in Kafka -> version, or candidate that was held back
const superclasses = new Set();
const superclassOf = new Map(); // lower-case class -> {subclass, superclass}
let largestFileBytes = 0;
let chosen = []; // {file, item, done, refused}
let sending = false;
let drawAsked = false;

const events = eventsOf('/api/versions');
events.addEventListener('about', event => about(JSON.parse(event.data)));
events.addEventListener('version', event => arrive(JSON.parse(event.data)));
events.addEventListener('status', () => connection('live', 'live'));
events.onerror = () => connection('lost', 'connection lost, trying again');

function about({classes, largestFileBytes: bytes}) {
  largestFileBytes = bytes;
  byId('largest').textContent = `, at most ${megabytes(bytes)} each`;
  classes.forEach(({superclass, subclasses}) => {
    remember(superclass);
    subclasses.forEach(subclass => remember(superclass, subclass));
  });
  draw();
}

function remember(superclass, subclass) {
  if (!superclasses.has(superclass)) {
    superclasses.add(superclass);
    byId('superclasses').append(option(superclass));
  }
  if (subclass !== undefined) superclassOf.set(subclass.toLowerCase(), {subclass, superclass});
}

function option(value, label) {
  const element = document.createElement('option');
  element.value = value;
  if (label) element.label = label;
  return element;
}

function arrive(version) {
  versions.set(version.offset, version);
  version.added?.forEach(({superclass, subclass}) => remember(superclass, subclass));
  if (!drawAsked) {
    drawAsked = true;
    setTimeout(draw, 80);
  }
}

function draw() {
  drawAsked = false;
  const inOrder = [...versions.values()].sort((a, b) => a.offset - b.offset);
  const live = inOrder.findLast(({heldBack}) => !heldBack);
  byId('live').textContent = live?.version ?? 0;
  byId('step').textContent = live?.step.toLocaleString('en') ?? 0;
  byId('loss').textContent = inOrder.findLast(({trainingLoss}) => trainingLoss !== undefined)?.trainingLoss.toPrecision(3) ?? '–';
  byId('freshness').textContent = freshness(inOrder.findLast(version => freshness(version)) ?? {}).replace(/ after.*/, '') || '–';
  showTimeline(inOrder, askToRollBack);
}

// The class

subclassField.addEventListener('input', () => {
  const wanted = subclassField.value.trim().toLowerCase();
  const found = [];
  for (const [key, {subclass, superclass}] of superclassOf) {
    if (found.length === MOST_SUGGESTED) break;
    if (key.includes(wanted)) found.push(option(subclass, superclass));
  }
  byId('subclasses').replaceChildren(...found);
  const known = superclassOf.get(wanted);
  if (known) {
    superclassField.value = known.superclass;
  } else if (superclassField.readOnly) {
    superclassField.value = '';
  }
  superclassField.readOnly = known !== undefined;
  byId('class-hint').textContent = known
    ? `A class it knows; ${superclassOf.size.toLocaleString('en')} in all.`
    : 'A new name opens a new class. It starts out as its superclass does.';
});

// The images

const drop = byId('drop');
addEventListener('dragover', event => event.preventDefault()); // a file beside the box must not replace the page
addEventListener('drop', event => event.preventDefault());
drop.addEventListener('dragover', () => drop.classList.add('over'));
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', event => {
  drop.classList.remove('over');
  choose(event.dataTransfer.files);
});
byId('files').addEventListener('change', event => {
  choose(event.target.files);
  event.target.value = '';
});
byId('clear').addEventListener('click', () => {
  chosen = chosen.filter(() => sending);
  showChosen();
  outcome('');
});

function choose(files) {
  const room = MOST_FILES - chosen.length;
  for (const file of [...files].slice(0, room)) {
    chosen.push({file, item: fileItem(file), done: false});
  }
  outcome(files.length > room ? `Only the first ${MOST_FILES} files are taken; send them, then choose more.` : '');
  showChosen();
}

function fileItem(file) {
  const item = document.createElement('li');
  const picture = document.createElement('canvas');
  const name = document.createElement('span');
  const state = document.createElement('span');
  picture.width = picture.height = THUMBNAIL;
  picture.setAttribute('aria-hidden', 'true');
  name.className = 'name';
  name.textContent = file.name;
  state.className = 'state';
  state.textContent = megabytes(file.size);
  item.append(picture, name, state);
  thumbnail(file, picture);
  return item;
}

async function thumbnail(file, canvas) {
  try {
    const image = await createImageBitmap(file);
    const side = Math.min(image.width, image.height);
    canvas.getContext('2d').drawImage(image,
      (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
    image.close();
  } catch {
    // no picture of it; the server says what is wrong when it is sent
  }
}

function showChosen() {
  const waiting = chosen.filter(({done}) => !done).length;
  byId('chosen').replaceChildren(...chosen.map(({item}) => item));
  byId('send').textContent = waiting ? `Teach ${waiting} ${waiting === 1 ? 'image' : 'images'}` : 'Teach';
}

byId('lesson').addEventListener('submit', event => {
  event.preventDefault();
  send();
});

async function send() {
  const waiting = chosen.filter(({done}) => !done);
  for (const field of [subclassField, superclassField]) {
    field.setAttribute('aria-invalid', !field.value.trim());
  }
  if (sending) return;
  if (!subclassField.value.trim()) return refuse('Name the class first.', subclassField);
  if (!superclassField.value.trim()) return refuse('Name the superclass: the family that the class belongs to.', superclassField);
  if (waiting.length === 0) return refuse('Choose images first.', byId('files'));
  const query = {subclass: subclassField.value.trim(), superclass: superclassField.value.trim()};
  const bar = byId('progress');
  const queue = [...waiting];
  let sent = 0, ended = 0;
  bar.max = waiting.length;
  bar.value = 0;
  bar.hidden = false;
  sending = byId('send').disabled = true;
  outcome('Sending …');
  await Promise.all(Array.from({length: AT_ONCE}, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const error = await upload(next.file, query);
      next.done = true;
      next.refused = error !== undefined;
      state(next.item, error ?? 'sent', error ? 'refused' : 'sent');
      sent += error ? 0 : 1;
      bar.value = ++ended;
    }
  }));
  bar.hidden = true;
  sending = byId('send').disabled = false;
  const refused = waiting.length - sent;
  chosen.sort((one, other) => (other.refused ?? false) - (one.refused ?? false)); // seen without scrolling
  outcome(`${sent} ${sent === 1 ? 'image' : 'images'} of ${query.subclass} sent`
    + (refused ? `, ${refused} refused: see the list.` : '. The next version that passes the gate knows them.'));
  showChosen();
}

/** Why it was refused; undefined if it was not. */
async function upload(file, {subclass, superclass}) {
  if (file.size > largestFileBytes) {
    return `the file has ${megabytes(file.size)}, expected at most ${megabytes(largestFileBytes)}; scale the image down`;
  }
  return post('/api/labeled-images', {subclass, superclass, name: file.name}, file).then(() => undefined, error => error.message);
}

async function post(path, query, body) {
  let answer;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(query)}`, {method: 'POST', body});
  } catch {
    throw new Error('the page’s server does not answer; is it still running?');
  }
  const text = await answer.text();
  if (!answer.ok) {
    let error = text;
    try {
      error = JSON.parse(text).error;
    } catch {
      // it is text as it is
    }
    throw new Error(error || `the server answered ${answer.status}`);
  }
  return JSON.parse(text);
}

function state(item, text, kind) {
  const element = item.querySelector('.state');
  element.textContent = text;
  element.className = `state ${kind}`;
}

function refuse(text, field) {
  outcome(text);
  field.focus();
}

function outcome(text) {
  byId('outcome').textContent = text;
}

const megabytes = bytes => bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

// Going back

function askToRollBack(number) {
  byId('rollback-title').textContent = `Roll back to version ${number}?`;
  byId('rollback-text').textContent = `Its tensors are published as a new version, and generators go over to it.`
    + ` Nothing is deleted, and classes that were added since stay. You can go forward again in the same way.`;
  byId('rollback-error').textContent = '';
  byId('rollback-confirm').dataset.number = number;
  dialog.showModal();
}

byId('rollback-cancel').addEventListener('click', () => dialog.close());
byId('rollback-confirm').addEventListener('click', async ({target}) => {
  target.disabled = true;
  target.textContent = 'Rolling back …';
  byId('rollback-error').textContent = '';
  try {
    const {version} = await post('/api/rollback', {version: target.dataset.number});
    dialog.close();
    outcome(`Version ${version} has the tensors of version ${target.dataset.number}.`);
  } catch (error) {
    byId('rollback-error').textContent = error.message;
  } finally {
    target.disabled = false;
    target.textContent = 'Roll back';
  }
});
