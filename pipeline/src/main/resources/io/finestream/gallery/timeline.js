// The versions as cards and as curves. What came from Kafka is put on the page as text, never as markup.

import {byId, isoTime} from './text.js';

const SHOWN = 100; // cards
const CHARTED = 60; // versions in a curve
const SERIES = 3; // curves that can be told apart
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 420, HEIGHT = 170, LEFT = 52, RIGHT = 10, TOP = 10, BOTTOM = 24;

export const isRollback = version => version.comment.startsWith('rollback to ');

/** Versions, and candidates that were held back; oldest first. */
export function showTimeline(all, askToRollBack) {
  const versions = all.filter(({heldBack}) => !heldBack);
  const cards = all.slice(-SHOWN).reverse()
    .map(one => one.heldBack ? candidate(one) : card(one, one === versions.at(-1), askToRollBack));
  cards.push(base(versions.length === 0, askToRollBack));
  keepFocus(() => byId('versions-list').replaceChildren(...cards));
  const charted = versions.slice(-CHARTED);
  chart(byId('loss-chart'), charted, [{name: 'training loss', of: version => version.trainingLoss}]);
  const groups = [...new Set(charted.flatMap(version => version.gate.map(({group}) => group)))].slice(0, SERIES);
  chart(byId('gate-chart'), charted, groups.map(name =>
    ({name, of: version => version.gate.find(({group}) => group === name)?.after})));
}

/** A keyboard's place must not be lost because a version came. */
function keepFocus(change) {
  const focused = document.activeElement?.dataset.version;
  change();
  if (focused !== undefined) {
    byId('versions-list').querySelector(`[data-version="${CSS.escape(focused)}"]`)?.focus();
  }
}

function card(version, isLive, askToRollBack) {
  const item = blank(`Version ${version.version}`, isLive);
  offer(item, version.version, isLive, askToRollBack);
  if (isRollback(version)) badge(item, version.comment, 'back');
  else if (version.gate.length) badge(item, 'promoted', 'promoted');
  if (version.added.length) badge(item, version.added.length === 1 ? 'new class' : `${version.added.length} new classes`, 'new');
  item.querySelector('.taught').textContent = taught(version);
  figures(item, version, [['parent', parent(version)]], [['freshness', freshness(version)], ['published by', version.publisher]]);
  return item;
}

function candidate(heldBack) {
  const item = blank(`Candidate of step ${heldBack.step.toLocaleString('en')}`, false);
  item.classList.add('is-held-back');
  badge(item, 'held back', 'back');
  item.querySelector('.rollback').remove();
  item.querySelector('.taught').textContent = heldBack.rolledBack
    ? `It was one too many in a row: tuning went back to version ${heldBack.parent}.` : '';
  figures(item, heldBack, [['measured against', parent(heldBack)]], [['held back by', heldBack.publisher]]);
  return item;
}

const parent = ({parent}) => parent === 0 ? '0, the base model' : parent;

function figures(item, of, first, last) {
  item.querySelector('time').dateTime = isoTime(of.createdAt);
  item.querySelector('time').textContent = new Date(of.createdAt).toLocaleString();
  const rows = [
    ...first,
    ['step', of.step.toLocaleString('en')],
    ['training loss', of.trainingLoss === undefined ? 'not in its record' : of.trainingLoss.toPrecision(4)],
    ...of.gate.map(({group, before, after}) => [group, change(before, after), after > before ? 'worse' : 'better']),
    ...last,
  ];
  item.querySelector('dl').append(...rows.filter(([, value]) => value !== '').map(row));
}

function base(isLive, askToRollBack) {
  const item = blank('Version 0', isLive);
  offer(item, 0, isLive, askToRollBack);
  badge(item, 'base model', '');
  return item;
}

function blank(title, isLive) {
  const item = byId('version').content.firstElementChild.cloneNode(true);
  item.querySelector('h3').textContent = title;
  item.classList.toggle('is-live', isLive);
  if (isLive) badge(item, 'live', 'live');
  return item;
}

function offer(item, number, isLive, askToRollBack) {
  const button = item.querySelector('.rollback');
  button.hidden = isLive;
  button.textContent = `Roll back to ${number}`;
  button.dataset.version = number;
  button.addEventListener('click', () => askToRollBack(number));
}

function badge(item, text, kind) {
  const element = document.createElement('span');
  element.className = `badge ${kind}`;
  element.textContent = text;
  item.querySelector('.badges').append(element);
}

function row([name, value, kind]) {
  const group = document.createElement('div');
  const term = document.createElement('dt');
  const description = document.createElement('dd');
  term.textContent = name;
  description.textContent = value;
  description.className = kind ?? '';
  group.append(term, description);
  return group;
}

const change = (before, after) =>
  `${before.toPrecision(4)} → ${after.toPrecision(4)} (${after > before ? '+' : '−'}${Math.abs((after / before - 1) * 100).toFixed(1)} %)`;

function taught({lesson, added}) {
  const classes = (lesson?.images ?? []).map(({subclass, count}) => `${subclass} × ${count}`);
  const more = classes.length > 6 ? ` and ${classes.length - 6} more classes` : '';
  const images = classes.length ? `Images of ${classes.slice(0, 6).join(', ')}${more}` : '';
  const partly = lesson && !lesson.isWhole ? ' (not all of them are looked at)' : '';
  const names = added.map(({subclass, superclass}) => `${subclass} in ${superclass}`).slice(0, 6).join(', ');
  return [images + (images ? partly : ''), names && `New: ${names}`].filter(text => text).join('. ');
}

export const freshness = ({lesson}) =>
  lesson?.freshnessMillis === undefined ? '' : `${(lesson.freshnessMillis / 1000).toFixed(1)} s after its last image`;

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** One curve per series, over the versions in the order in which they were published. */
function chart(figure, versions, series) {
  const curves = series.map(({name, of}) => ({
    name, points: versions.map((version, i) => ({version, x: i, y: of(version)})).filter(({y}) => Number.isFinite(y)),
  })).filter(({points}) => points.length);
  figure.querySelectorAll('svg, ul').forEach(old => old.remove());
  figure.hidden = curves.length === 0;
  if (curves.length === 0) return;
  const values = curves.flatMap(({points}) => points.map(({y}) => y));
  const [low, high] = range(values);
  const x = i => LEFT + (versions.length < 2 ? 0.5 : i / (versions.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = value => TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const picture = svg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': summary(curves)});
  for (const value of [low, (low + high) / 2, high]) {
    picture.append(svg('line', {class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value)}),
      svg('text', {x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end'}, value.toPrecision(3)));
  }
  const every = Math.ceil(versions.length / 8);
  versions.forEach((version, i) => {
    if (i % every === 0) {
      picture.append(svg('text', {x: x(i), y: HEIGHT - 6, 'text-anchor': 'middle'}, `v${version.version}`));
    }
    if (isRollback(version)) {
      picture.append(svg('line', {class: 'back', x1: x(i), x2: x(i), y1: TOP, y2: HEIGHT - BOTTOM}));
    }
  });
  curves.forEach(({name, points}, i) => {
    picture.append(svg('polyline', {class: `s${i}`, points: points.map(p => `${x(p.x)},${y(p.y)}`).join(' ')}));
    for (const point of points) {
      const dot = svg('circle', {class: `s${i}`, cx: x(point.x), cy: y(point.y), r: 3});
      dot.append(svg('title', {}, `${name}, version ${point.version.version}: ${point.y.toPrecision(4)}`));
      picture.append(dot);
    }
  });
  figure.append(picture);
  if (curves.length > 1) figure.append(legend(curves));
}

function range(values) {
  const low = Math.min(...values), high = Math.max(...values);
  const pad = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

const summary = curves => curves.map(({name, points}) =>
  `${name}: ${points[0].y.toPrecision(3)} at version ${points[0].version.version}, `
  + `${points.at(-1).y.toPrecision(3)} at version ${points.at(-1).version.version}`).join('; ');

function legend(curves) {
  const list = document.createElement('ul');
  list.className = 'legend';
  curves.forEach(({name}, i) => {
    const item = document.createElement('li');
    const line = svg('svg', {viewBox: '0 0 26 8', 'aria-hidden': 'true'});
    line.append(svg('polyline', {class: `s${i}`, points: '0,4 26,4'}));
    item.append(line, name);
    list.append(item);
  });
  return list;
}
