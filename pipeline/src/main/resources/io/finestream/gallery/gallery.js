// Everything that came from Kafka is put on the page as text, never as markup.

const MAX_CARDS = 200;
const MAX_LINEAGES = 3;
const MAX_VERSIONS = 12; // of a lineage: its first and its newest
const PROGRAM = 'java -jar pipeline/target/finestream.jar';
const PLAIN_NAME = /^[\p{L}\p{N} -]+$/u; // safe between double quotes in any shell

const byId = id => document.getElementById(id);
const grid = byId('grid');
const dialog = byId('details');
const shown = new Map(); // place in Kafka -> card, newest last
const lineages = new Map(); // what was asked for -> {versions: version -> image}, the one that grew last at the end
let waiting = []; // images that came while paused or since the last frame
let frameAsked = false;
let paused = false;
let started = false; // the first status has come: what comes now is new
let bootstrapServers = '';
let selected = null;

const events = new EventSource('/events');
events.addEventListener('about', event => about(JSON.parse(event.data)));
events.addEventListener('image', event => arrive(JSON.parse(event.data)));
events.addEventListener('status', event => status(JSON.parse(event.data)));
events.onerror = () => connection('lost', 'connection lost, trying again');

function connection(state, text) {
  const element = byId('connection');
  if (element.textContent !== text) {
    element.dataset.state = state;
    element.textContent = text;
  }
}

function about({bootstrapServers: address, flinkPage}) {
  bootstrapServers = address;
  byId('flink').hidden = !flinkPage;
  if (flinkPage) {
    byId('flink').querySelector('a').href = flinkPage;
  }
  commands('');
}

function commands(subclass) {
  const name = PLAIN_NAME.test(subclass) ? subclass : 'CLASS';
  byId('request-command').textContent =
    `${PROGRAM} request --bootstrap-servers ${bootstrapServers} --class "${name}" --count 8`;
  byId('images-command').textContent = `${PROGRAM} images --bootstrap-servers ${bootstrapServers} --out images`;
}

function arrive(image) {
  if (!shown.has(image.place)) {
    waiting = [...waiting, image].slice(-MAX_CARDS);
    askForFrame();
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
      grid.prepend(item);
      remember(image);
    }
  }
  showLineages();
  for (const [place, {item}] of shown) {
    if (shown.size <= MAX_CARDS) break;
    shown.delete(place);
    item.remove();
  }
  byId('empty').hidden = shown.size > 0;
  if (images.length) {
    commands(images[images.length - 1].subclass);
  }
}

function card(image) {
  const item = byId('card').content.firstElementChild.cloneNode(true);
  const part = name => item.querySelector('.' + name);
  const picture = item.querySelector('img');
  picture.src = fileOf(image);
  picture.alt = `Generated image of the class ${image.subclass}`;
  part('subclass').textContent = image.subclass;
  part('superclass').textContent = image.superclass;
  part('version').textContent = image.modelVersion > 0 ? 'v' + image.modelVersion : '';
  part('made').textContent = `${image.steps} steps · seed ${image.seed}`;
  part('card').addEventListener('click', () => open(image));
  item.classList.toggle('arriving', started);
  return item;
}

// Images that differ in nothing but the model's version: what the model has learned between them.
function remember(image) {
  const {subclass, seed, sample, sampler, steps, eta, respacing, guidance, guidanceScale, modelVersion} = image;
  const key = JSON.stringify([subclass, seed, sample, sampler, steps, eta, respacing, guidance, guidanceScale]);
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
  const element = byId('lineage').content.firstElementChild.cloneNode(true);
  const list = element.querySelector('ol');
  element.querySelector('.subclass').textContent = images[0].subclass;
  element.querySelector('.superclass').textContent = `${images[0].superclass}, seed ${images[0].seed}`;
  list.setAttribute('aria-label', `${images[0].subclass}, version by version`);
  for (const image of images.filter((_, i) => i === 0 || i > images.length - MAX_VERSIONS)) {
    const item = document.createElement('li');
    const picture = document.createElement('img');
    const label = document.createElement('span');
    picture.src = fileOf(image);
    picture.alt = `${image.subclass} at version ${image.modelVersion}`;
    label.textContent = `v${image.modelVersion}`;
    item.append(picture, label);
    list.append(item);
  }
  return element;
}

const fileOf = image => '/images/' + image.number;

function open(image) {
  selected = image.place;
  const picture = dialog.querySelector('img');
  picture.src = fileOf(image);
  picture.alt = `Generated image of the class ${image.subclass}`;
  byId('details-title').textContent = image.subclass;
  dialog.querySelector('.superclass').textContent = image.superclass;
  const {queued, denoise, decode, encode, total} = image.millis;
  const rows = {
    'Model': `${image.model}, version ${image.modelVersion}`,
    'Seed': `${image.seed}, sample ${image.sample}`,
    'Sampler': `${image.sampler}, ${image.steps} steps` + (image.respacing ? ` (${image.respacing})` : '')
      + (image.sampler === 'DDIM' ? `, eta ${image.eta}` : ''),
    'Guidance': `${words(image.guidance)}, scale ${image.guidanceScale}`,
    'Size': `${image.width} × ${image.height} pixels`,
    'Made': new Date(image.createdAt).toLocaleString(),
    'Took': `${duration(total)} in all: ${duration(queued)} queued, ${duration(denoise)} denoising, `
      + `${duration(decode + encode)} to a file`,
    'Request': image.requestId,
    'Record': image.place,
    'Made by': image.generator,
  };
  dialog.querySelector('dl').replaceChildren(...Object.entries(rows).flatMap(([name, value]) => {
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  }));
  if (!dialog.open) {
    dialog.showModal();
  }
}

function step(by) {
  const places = [...shown.keys()].reverse();
  const next = shown.get(places[places.indexOf(selected) + by]);
  if (next) {
    open(next.image);
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
    const item = document.createElement('li');
    const time = document.createElement('time');
    const label = document.createElement('span');
    const text = document.createElement('div');
    time.dateTime = isoTime(at);
    time.textContent = clock(at);
    label.className = 'code';
    label.textContent = words(code);
    text.textContent = reason;
    item.append(time, label, text);
    return item;
  }));
}

const words = name => name.toLowerCase().replaceAll('_', ' ');
const clock = millis => new Date(millis).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit'});

// Clients write these numbers, so they may be no date and no number at all.
function isoTime(millis) {
  const time = new Date(millis);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

function duration(value) {
  const millis = Number(value);
  if (millis < 1000) return `${millis.toFixed(millis < 10 ? 1 : 0)} ms`;
  const seconds = millis / 1000;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

byId('pause').addEventListener('click', event => {
  paused = !paused;
  event.target.setAttribute('aria-pressed', paused);
  event.target.textContent = paused ? 'Resume' : 'Pause';
  askForFrame();
});

dialog.addEventListener('click', event => {
  if (event.target === dialog) dialog.close(); // the backdrop
  if (event.target.dataset.step) step(Number(event.target.dataset.step));
});
dialog.addEventListener('keydown', event => {
  if (event.key === 'ArrowLeft') step(-1);
  if (event.key === 'ArrowRight') step(1);
});

for (const command of document.querySelectorAll('.command')) {
  command.querySelector('button').addEventListener('click', async ({target}) => {
    await navigator.clipboard.writeText(command.querySelector('code').textContent);
    target.textContent = 'Copied';
    setTimeout(() => { target.textContent = 'Copy'; }, 1500);
  });
}

if (matchMedia('(max-width: 900px)').matches) {
  byId('next').open = false;
  byId('refusals').open = false;
}
