// One seed across guidance scales, and across versions of the model.
import {byId, element, picture, variations, words} from './text.js';
import {asked, send} from './ask.js';

const MAX_SCALES = 12;

const FIXED = ['seed', 'sample', 'sampler', 'eta', 'respacing', 'cacheInterval'];
const OPEN = ['intervalLow', 'intervalHigh', 'guidedChannels']; // the model's own where nothing is asked for

const section = byId('compare');
let subject = null; // what stays the same: all but the guidance scale
let wanted = []; // scales, in their order
let images = []; // of the subject, at any scale and version
let open = () => {};

const same = image =>
  image.subclass.toLowerCase() === subject.subclass.toLowerCase()
  && FIXED.every(name => image[name] === subject[name])
  && image.guidance !== 'NONE' // the model may put one of the other modes for the other
  && image.stepsRequested === subject.steps
  && OPEN.every(name => subject[name] === undefined || image[name] === subject[name]);

export function start(openImage, all) {
  open = openImage;
  byId('compare-open').addEventListener('click', () => show(fromForm(), all()));
  byId('compare-close').addEventListener('click', () => {
    section.hidden = true;
    subject = null;
    byId('compare-open').focus();
  });
  byId('compare-form').addEventListener('submit', event => {
    event.preventDefault();
    draw();
  });
  byId('compare-again').addEventListener('click', () => ask([subject.guidanceScale]));
}

function fromForm() {
  const {count, priority, ...rest} = asked();
  return {steps: 20, seed: '0', eta: 0, respacing: '', cacheInterval: 1, ...rest, sample: 0};
}

export function ofImage(image, all) {
  const {subclass, stepsRequested: steps, guidance, guidanceScale} = image;
  const kept = Object.fromEntries([...FIXED, ...OPEN].map(name => [name, image[name]]));
  show({subclass, steps, guidance, guidanceScale, ...kept}, all);
}

function show(what, all) {
  if (what.guidance === 'NONE') what.guidance = 'FINE_GRAINED'; // without guidance there are no scales
  subject = what;
  wanted = [];
  images = all.filter(same);
  section.hidden = false;
  byId('compare-what').textContent = subject.subclass
    ? `${subject.subclass}, seed ${subject.seed}, sample ${subject.sample}, ${words(subject.sampler)}, ${subject.steps} steps${variations(subject)}`
    : 'Choose a class in the form, or open an image and select Compare there.';
  for (const control of section.querySelectorAll('#compare-form button, #compare-again')) {
    control.disabled = !subject.subclass;
  }
  message('', false);
  render();
  section.scrollIntoView({block: 'start'});
  byId('compare-title').focus();
}

function message(text, bad) {
  byId('compare-message').textContent = text;
  byId('compare-message').classList.toggle('bad', bad);
}

function draw() {
  const scales = byId('scales').value.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (!scales.length || scales.length > MAX_SCALES || scales.some(Number.isNaN)) {
    message(`the scales are “${byId('scales').value}”, expected 1 to ${MAX_SCALES} numbers, as in 1, 1.5, 2`, true);
    return;
  }
  wanted = [...new Set(scales)];
  render();
  ask(wanted);
}

async function ask(scales) {
  const {sample, ...rest} = subject;
  message('sending', false);
  try {
    for (const guidanceScale of scales) {
      await send({...rest, guidanceScale, count: 1, firstSample: sample});
    }
    message(`Asked for ${scales.length} ${scales.length === 1 ? 'image' : 'images'}.`, false);
  } catch (e) {
    message(e.message, true);
  }
}

export function arrive(image) {
  if (subject && same(image)) {
    images.push(image);
    render();
  }
}

function render() {
  const byScale = new Map(); // the newest of each
  images.forEach(image => byScale.set(image.guidanceScale, image));
  const scales = [...new Set([...wanted, ...byScale.keys()])].sort((a, b) => a - b);
  byId('compare-scales').replaceChildren(...scales.map(scale => cell(byScale.get(scale), String(scale))));

  const scale = subject.guidanceScale ?? images.at(-1)?.guidanceScale;
  const byVersion = new Map(images.filter(image => image.guidanceScale === scale)
    .map(image => [image.modelVersion, image]));
  const versions = [...byVersion.keys()].sort((a, b) => a - b);
  byId('compare-versions').replaceChildren(...versions.map(version => cell(byVersion.get(version), 'v' + version)));
  for (const id of ['compare-scales', 'compare-versions']) {
    if (!byId(id).children.length) byId(id).append(element('li', 'none', 'no image yet'));
  }
}

function cell(image, label) {
  const item = element('li');
  if (image) {
    const button = element('button');
    button.type = 'button';
    button.append(picture(image, `${image.subclass} at ${label}`), element('span', '', label));
    button.addEventListener('click', () => open(image));
    item.append(button);
  } else {
    item.append(element('span', 'waiting'), element('span', '', label));
  }
  return item;
}
