// Names come from other people's files: they are put on the page as text, never as markup.

import {byId, eventsOf} from './text.js';

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = 34;
const REACH = 26; // pixels from a point at which it is still meant
const SUPERCLASS_RADIUS = 9;
const CHARACTER = 7.6; // width of a letter of a superclass's name, in pixels
const RETRY = 1000; // milliseconds

const plot = byId('plot');
const svg = plot.querySelector('svg');
const newest = new Map(); // subclass -> number of its newest image
let map = null;
let points = []; // {name, superclass, x, y, px, py, circle} of every class
let marks = []; // the same of the superclasses that have a place
let ring = null;
let selected = null;

async function load() {
  const answer = await fetch('/api/map').catch(() => null);
  if (answer === null || answer.status === 202) {
    say(answer === null ? 'no answer, trying again' : 'laying out the map');
    setTimeout(load, RETRY);
  } else if (!answer.ok) {
    say((await answer.text()).trim());
  } else {
    show(await answer.json());
  }
}

function say(text) {
  if (byId('state').textContent !== text) byId('state').textContent = text;
}

function show(received) {
  map = received;
  const superclass = i => map.superclasses[i];
  points = map.classes.map(({name, superclass: i, place: {x, y}}) => ({
    name, superclass: superclass(i).name, color: superclass(i).color, x, y, key: `${name} ${superclass(i).name}`.toLowerCase(),
  }));
  marks = map.superclasses.filter(mark => mark.place)
    .map(({name, color, place: {x, y}}) => ({name, color, x, y, key: name.toLowerCase()}));
  for (const point of points) point.circle = circle(point.color);
  for (const mark of marks) {
    mark.circle = circle(mark.color);
    mark.label = svg.appendChild(document.createElementNS(SVG, 'text'));
    mark.label.textContent = mark.name;
  }
  ring = circle('none');
  ring.setAttribute('class', 'ring');
  ring.setAttribute('visibility', 'hidden');
  byId('about').textContent = `${map.method} of the label tables of the model ${map.model}`
    + (map.version === 0 ? ', as its files are: what has been learned since is not in it.' : `, version ${map.version}.`)
    + ' Near means alike to the network. Large points are the superclasses.';
  legend();
  new ResizeObserver(layOut).observe(plot);
  layOut();
  search();
}

function circle(color) {
  const element = document.createElementNS(SVG, 'circle');
  element.setAttribute('fill', color);
  return svg.appendChild(element);
}

function layOut() {
  const all = [...points, ...marks];
  const right = all.reduce((most, {x}) => Math.max(most, x), 0);
  const bottom = all.reduce((most, {y}) => Math.max(most, y), 0);
  const width = plot.clientWidth;
  const most = Math.max(260, innerHeight * 0.78); // the map is seen whole
  const scale = Math.min((width - 2 * MARGIN) / (right || 1), (most - 2 * MARGIN) / (bottom || 1));
  const height = Math.max(260, bottom * scale + 2 * MARGIN);
  const left = (width - right * scale) / 2;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('height', height);
  for (const point of all) {
    point.px = left + point.x * scale;
    point.py = MARGIN + point.y * scale;
    point.circle.setAttribute('cx', point.px);
    point.circle.setAttribute('cy', point.py);
  }
  const radius = Math.max(2, Math.min(5.5, width / 10 / Math.sqrt(points.length)));
  for (const {circle} of points) circle.setAttribute('r', radius);
  for (const {circle} of marks) circle.setAttribute('r', Math.min(SUPERCLASS_RADIUS, width / 60));
  ring.setAttribute('r', radius + 4);
  labels(width);
  if (selected) select(selected, !byId('tip').hidden);
}

// A name that would lie on another one is left to the legend.
function labels(width) {
  const taken = [];
  for (const {label, name, px, py} of marks) {
    const half = name.length * CHARACTER / 2;
    const x = Math.max(half + 4, Math.min(width - half - 4, px));
    const y = py - SUPERCLASS_RADIUS - 5;
    const free = taken.every(other => Math.abs(other.x - x) > other.half + half || Math.abs(other.y - y) > 15);
    label.setAttribute('visibility', free ? 'visible' : 'hidden');
    label.setAttribute('x', x);
    label.setAttribute('y', y);
    if (free) taken.push({x, y, half});
  }
}

function legend() {
  const counts = new Map();
  for (const {superclass} of points) counts.set(superclass, (counts.get(superclass) ?? 0) + 1);
  byId('legend').replaceChildren(...map.superclasses.map(({name, color}) => {
    const item = document.createElement('li');
    const button = document.createElement('button');
    const dot = document.createElement('span');
    const text = document.createElement('span');
    const number = document.createElement('span');
    button.type = 'button';
    button.setAttribute('aria-pressed', 'false');
    dot.className = 'dot';
    dot.style.backgroundColor = color;
    text.textContent = name;
    number.className = 'number';
    number.textContent = counts.get(name) ?? 0;
    button.append(dot, text, number);
    button.addEventListener('click', () => {
      byId('search').value = button.getAttribute('aria-pressed') === 'true' ? '' : name;
      search();
    });
    item.append(button);
    return item;
  }));
}

function search() {
  const wanted = byId('search').value.trim().toLowerCase();
  let hits = 0;
  for (const point of points) {
    const hit = point.key.includes(wanted);
    hits += hit ? 1 : 0;
    point.hit = hit;
    point.circle.classList.toggle('faint', !hit);
  }
  for (const {circle, label, key} of marks) {
    circle.classList.toggle('faint', wanted !== '' && !key.includes(wanted));
    label.classList.toggle('faint', wanted !== '' && !key.includes(wanted));
  }
  for (const button of byId('legend').querySelectorAll('button')) {
    button.setAttribute('aria-pressed', button.children[1].textContent.toLowerCase() === wanted);
  }
  say(wanted ? `${hits.toLocaleString('en')} of ${points.length.toLocaleString('en')} classes found`
    : `${points.length.toLocaleString('en')} classes in ${map.superclasses.length.toLocaleString('en')} superclasses`);
  if (byId('table').open) table();
}

function select(point, tip) {
  const changed = selected !== point;
  selected = point;
  ring.setAttribute('visibility', 'visible');
  ring.setAttribute('cx', point.px);
  ring.setAttribute('cy', point.py);
  const box = byId('tip');
  box.hidden = !tip;
  if (tip) {
    box.textContent = point.name;
    box.style.left = Math.max(4, Math.min(point.px + 12, plot.clientWidth - box.offsetWidth - 4)) + 'px';
    box.style.top = (point.py > 60 ? point.py - box.offsetHeight - 12 : point.py + 14) + 'px';
  }
  if (changed) details();
}

function details() {
  const {name, superclass} = selected;
  const panel = byId('selected');
  const picture = panel.querySelector('img');
  const number = newest.get(name);
  byId('selected-title').textContent = name;
  panel.querySelector('.superclass').textContent = superclass;
  picture.hidden = number === undefined;
  byId('no-image').hidden = number !== undefined;
  if (number !== undefined) {
    picture.src = '/images/' + number;
    picture.alt = `Newest image of the class ${name}`;
  }
  byId('to-gallery').hidden = false;
  byId('to-gallery').href = galleryOf(selected);
}

const galleryOf = ({name}) => '/?class=' + encodeURIComponent(name);

function nearestTo(x, y, reach) {
  let nearest = null;
  let least = reach * reach;
  for (const point of points) {
    const distance = (point.px - x) ** 2 + (point.py - y) ** 2;
    if (point.hit && distance < least) {
      least = distance;
      nearest = point;
    }
  }
  return nearest;
}

// The nearest in a direction: what is aside counts twice.
function neighbour([dx, dy]) {
  let best = null;
  let least = Infinity;
  for (const point of points) {
    const along = (point.px - selected.px) * dx + (point.py - selected.py) * dy;
    const aside = Math.abs((point.px - selected.px) * dy) + Math.abs((point.py - selected.py) * dx);
    if (point.hit && point !== selected && along > 0 && along >= aside / 2 && along + 2 * aside < least) {
      least = along + 2 * aside;
      best = point;
    }
  }
  return best;
}

function table() {
  const rows = points.filter(({hit}) => hit).map(point => {
    const row = document.createElement('tr');
    const link = document.createElement('a');
    link.href = galleryOf(point);
    link.textContent = point.name;
    const head = document.createElement('th');
    head.scope = 'row';
    head.append(link);
    const superclass = document.createElement('td');
    superclass.textContent = point.superclass;
    const near = document.createElement('td');
    near.textContent = closest(point)?.name ?? '';
    row.append(head, superclass, near);
    return row;
  });
  byId('table').querySelector('tbody').replaceChildren(...rows);
}

function closest(point) {
  if (point.closest === undefined) {
    let least = Infinity;
    point.closest = null;
    for (const other of points) {
      const distance = (point.x - other.x) ** 2 + (point.y - other.y) ** 2;
      if (other !== point && distance < least) {
        least = distance;
        point.closest = other;
      }
    }
  }
  return point.closest;
}

function pointed(event) {
  const box = svg.getBoundingClientRect();
  return nearestTo(event.clientX - box.left, event.clientY - box.top, REACH);
}

let lastPointer = '';
plot.addEventListener('pointerdown', event => { lastPointer = event.pointerType; });
plot.addEventListener('pointermove', event => {
  const point = pointed(event);
  plot.style.cursor = point ? 'pointer' : '';
  if (point) select(point, true);
  else byId('tip').hidden = true;
});
plot.addEventListener('pointerleave', () => { byId('tip').hidden = true; });
plot.addEventListener('click', event => {
  const point = pointed(event);
  if (!point) return;
  select(point, true);
  if (lastPointer === 'mouse') location.href = galleryOf(point); // a finger has not seen the name yet
});
plot.addEventListener('keydown', event => {
  const directions = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const direction = directions[event.key];
  if (direction && points.length) {
    event.preventDefault();
    const next = selected ? neighbour(direction) : points.find(({hit}) => hit);
    if (next) select(next, true);
  } else if (event.key === 'Enter' && selected) {
    location.href = galleryOf(selected);
  }
});
byId('search').addEventListener('input', () => { if (map) search(); });
byId('search').addEventListener('keydown', event => {
  const hit = points.find(point => point.hit);
  if (event.key === 'Enter' && hit) select(hit, true);
});
byId('table').addEventListener('toggle', () => { if (map && byId('table').open) table(); });

eventsOf('/events').addEventListener('image', event => {
  const {subclass, number} = JSON.parse(event.data);
  newest.set(subclass, number);
  if (selected?.name === subclass) details();
});
load();
