// The page: images as they come, and the figures in its header.
import {byId, clock, connection, duration, element, eventsOf, fromTemplate, isoTime, picture, settings, words} from './text.js';
import * as ask from './ask.js';
import * as compare from './compare.js';
import * as details from './details.js';
import {find, fold, learn, load} from './classes.js';

const MAX_CARDS = 200;
const MAX_LINEAGES = 3;
const MAX_VERSIONS = 12; // of a lineage: its first and its newest
const IDENTITY = ['subclass', 'seed', 'sample', 'sampler', 'steps', 'eta', 'respacing', 'cacheInterval',
  'guidance', 'guidanceScale', 'intervalLow', 'intervalHigh', 'guidedChannels'];
const PROGRAM = 'java -jar pipeline/target/finestream.jar';
const PLAIN_NAME = /^[\p{L}\p{N} -]+$/u; // safe between double quotes in any shell

const only = new URLSearchParams(location.search).get('class')?.trim() ?? ''; // the class that is shown; all, where empty
const grid = byId('grid');
const shown = new Map(); // place in Kafka -> card, newest last
const groups = new Map(); // class -> section with its cards
const lineages = new Map(); // what was asked for -> {versions: version -> image}, the one that grew last at the end
let waiting = []; // images that came while paused or since the last frame
let frameAsked = false;
let paused = false;
let grouped = false;
let started = false; // the first status has come: what comes now is new
let bootstrapServers = '';

function about({bootstrapServers: address, flinkPage, limits}) {
  bootstrapServers = address;
  ask.limits(limits);
  byId('flink').hidden = !flinkPage;
  if (flinkPage) {
    byId('flink').querySelector('a').href = flinkPage;
  }
  commands(only);
}

async function showOnly() {
  const loaded = await load();
  const name = find(only);
  const missing = loaded && !name;
  byId('only').querySelector('span').textContent = missing
    ? `There is no class “${only}”. Search for one in the form.`
    : `Only images of the class “${name ?? only}” are shown.`;
  byId('only').classList.toggle('bad', missing);
  byId('only').hidden = false;
  byId('empty').textContent = missing ? 'No image to show.'
    : 'No image of this class has come lately. Ask for one in the form.';
  if (name) ask.choose(name);
}

const isShown = ({subclass}) => only === '' || fold(subclass) === fold(only);

function commands(subclass) {
  const name = PLAIN_NAME.test(subclass) ? subclass : 'CLASS';
  byId('request-command').textContent =
    `${PROGRAM} request --bootstrap-servers ${bootstrapServers} --class "${name}" --count 8`;
  byId('images-command').textContent = `${PROGRAM} images --bootstrap-servers ${bootstrapServers} --out images`;
}

function arrive(image) {
  if (!shown.has(image.place) && !waiting.some(({place}) => place === image.place)) {
    learn(image.subclass, image.superclass);
    ask.arrive(image);
    compare.arrive(image);
    if (isShown(image)) {
      waiting = [...waiting, image].slice(-MAX_CARDS);
      askForFrame();
      if (byId('only').classList.contains('bad')) showOnly(); // it has become a class
    }
  }
}

function askForFrame() {
  if (paused) {
    byId('pause').textContent = waiting.length ? `Resume (${waiting.length} new)` : 'Resume';
  } else if (!frameAsked) {
    frameAsked = true;
    setTimeout(showWaiting, 80); // a timer, for a hidden page gets no animation frames
  }
}

function showWaiting() {
  frameAsked = false;
  const images = waiting;
  waiting = [];
  for (const image of images) {
    if (!shown.has(image.place)) {
      const item = card(image);
      shown.set(image.place, {image, item});
      placeOf(image).prepend(item);
      remember(image);
    }
  }
  showLineages();
  for (const [place, {item}] of shown) {
    if (shown.size <= MAX_CARDS) break;
    shown.delete(place);
    item.remove();
  }
  dropEmptyGroups();
  byId('empty').hidden = shown.size > 0;
  if (images.length) {
    commands(images[images.length - 1].subclass);
  }
}

function card(image) {
  const item = fromTemplate('card');
  const part = name => item.querySelector('.' + name);
  part('frame').replaceChildren(picture(image));
  part('subclass').textContent = image.subclass;
  part('superclass').textContent = image.superclass;
  part('version').textContent = image.modelVersion > 0 ? 'v' + image.modelVersion : '';
  part('made').textContent = `${settings(image)} · ${duration(image.millis.total)}`;
  part('card').addEventListener('click', () => details.open(image));
  item.classList.toggle('arriving', started);
  return item;
}

function placeOf({subclass, superclass}) {
  if (!grouped) return grid;
  const known = groups.get(subclass);
  if (known) return known.querySelector('ul');
  const section = fromTemplate('group');
  section.querySelector('.subclass').textContent = subclass;
  section.querySelector('.superclass').textContent = superclass;
  section.dataset.order = `${superclass}\n${subclass}`; // by family, so that a group keeps its place
  const next = [...byId('groups').children].find(({dataset}) => dataset.order > section.dataset.order);
  byId('groups').insertBefore(section, next ?? null);
  groups.set(subclass, section);
  return section.querySelector('ul');
}

function dropEmptyGroups() {
  for (const [subclass, section] of groups) {
    if (!section.querySelector('li')) {
      groups.delete(subclass);
      section.remove();
    }
  }
}

function group(whether) {
  grouped = whether;
  grid.hidden = whether;
  byId('groups').hidden = !whether;
  byId('grouped').setAttribute('aria-pressed', whether);
  byId('images-title').textContent = whether ? 'Images by class' : 'Newest images';
  for (const {image, item} of shown.values()) {
    item.classList.remove('arriving');
    placeOf(image).prepend(item);
  }
  dropEmptyGroups();
}

// Images that differ in nothing but the model's version: what the model has learned between them.
function remember(image) {
  const {modelVersion} = image;
  const key = JSON.stringify(IDENTITY.map(name => image[name]));
  const lineage = lineages.get(key) ?? {versions: new Map(), figure: null, shown: 0};
  if (!lineage.versions.has(modelVersion)) {
    lineage.versions.set(modelVersion, image);
    lineages.delete(key);
    lineages.set(key, lineage);
  }
  for (const old of lineages.keys()) {
    if (lineages.size <= MAX_CARDS) break;
    lineages.delete(old);
  }
}

function showLineages() {
  const grown = [...lineages.values()].filter(({versions}) => versions.size > 1).slice(-MAX_LINEAGES).reverse();
  byId('versions').hidden = grown.length === 0;
  for (const lineage of grown) {
    if (lineage.shown !== lineage.versions.size) {
      lineage.shown = lineage.versions.size;
      lineage.figure = figure([...lineage.versions.values()].sort((a, b) => a.modelVersion - b.modelVersion));
    }
  }
  const place = byId('versions').querySelector('.lineages');
  const figures = grown.map(({figure}) => figure);
  if (figures.length !== place.children.length || figures.some((figure, i) => figure !== place.children[i])) {
    place.replaceChildren(...figures);
  }
}

function figure(images) {
  const made = fromTemplate('lineage');
  const list = made.querySelector('ol');
  made.querySelector('.subclass').textContent = images[0].subclass;
  made.querySelector('.superclass').textContent = `${images[0].superclass}, seed ${images[0].seed}`;
  list.setAttribute('aria-label', `${images[0].subclass}, version by version`);
  for (const image of images.filter((_, i) => i === 0 || i > images.length - MAX_VERSIONS)) {
    const item = element('li');
    item.append(picture(image, `${image.subclass} at version ${image.modelVersion}`),
      element('span', '', `v${image.modelVersion}`));
    list.append(item);
  }
  return made;
}

function step(image, by) {
  const places = [...shown.keys()].reverse();
  const next = shown.get(places[places.indexOf(image.place) + by]);
  if (next) {
    details.open(next.image);
  }
}

function status({imagesPerSecond, latencyMillis, images, modelVersion, refused, refusals, startedAt}) {
  started = true;
  connection('live', `live since ${clock(startedAt)}`);
  byId('rate').textContent = imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0);
  byId('latency').textContent = latencyMillis === undefined ? '–' : duration(latencyMillis);
  byId('count').textContent = images.toLocaleString('en');
  byId('version').textContent = modelVersion ?? '–';
  byId('refused').textContent = refused.toLocaleString('en');
  byId('refused').classList.toggle('some', refused > 0);
  showRefusals(refusals);
  ask.refused(refusals);
}

let refusalsShown = '';
function showRefusals(refusals) {
  const now = JSON.stringify(refusals);
  if (now === refusalsShown) {
    return;
  }
  refusalsShown = now;
  byId('refusals').hidden = refusals.length === 0;
  byId('refusals').querySelector('ol').replaceChildren(...refusals.map(({code, reason, at}) => {
    const item = element('li');
    const time = element('time', '', clock(at));
    const label = element('span', 'code', words(code));
    const text = element('div', '', reason);
    time.dateTime = isoTime(at);
    item.append(time, label, text);
    return item;
  }));
}

byId('pause').addEventListener('click', event => {
  paused = !paused;
  event.target.setAttribute('aria-pressed', paused);
  event.target.textContent = paused ? 'Resume' : 'Pause';
  askForFrame();
});

byId('grouped').addEventListener('click', () => group(!grouped));

const images = () => [...[...shown.values()].map(({image}) => image), ...waiting];
ask.start(details.open);
compare.start(details.open, images);
details.start({step, more: ask.fill, compare: image => compare.ofImage(image, images())});

for (const command of document.querySelectorAll('.command')) {
  command.querySelector('button').addEventListener('click', async ({target}) => {
    await navigator.clipboard.writeText(command.querySelector('code').textContent);
    target.textContent = 'Copied';
    setTimeout(() => { target.textContent = 'Copy'; }, 1500);
  });
}

if (matchMedia('(max-width: 900px)').matches) {
  byId('ask').open = false;
  byId('refusals').open = false;
}

if (only) showOnly();

const events = eventsOf('/events');
events.addEventListener('about', event => about(JSON.parse(event.data)));
events.addEventListener('image', event => arrive(JSON.parse(event.data)));
events.addEventListener('progress', event => ask.progress(JSON.parse(event.data)));
events.addEventListener('status', event => status(JSON.parse(event.data)));
events.onerror = () => connection('lost', 'connection lost, trying again');
