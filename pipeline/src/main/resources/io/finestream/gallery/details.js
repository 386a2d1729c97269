// The record of one image.
import {byId, duration, element, fileOf, variations, words} from './text.js';

const dialog = byId('details');
let selected = null;

export function open(image) {
  selected = image;
  const picture = dialog.querySelector('img');
  picture.src = fileOf(image);
  picture.alt = `Generated image of the class ${image.subclass}`;
  byId('details-title').textContent = image.subclass;
  dialog.querySelector('.superclass').textContent = image.superclass;
  dialog.querySelector('dl').replaceChildren(...Object.entries(rows(image))
    .flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]));
  dialog.querySelector('dl').scrollTop = 0;
  if (!dialog.open) dialog.showModal();
}

function rows(image) {
  const {queued, denoise, decode, encode, total} = image.millis;
  const headers = Object.entries(image.headers).map(([name, value]) => `${name}=${value}`).join(', ');
  return {
    'Model': `${image.model}, version ${image.modelVersion}`,
    'Seed': `${image.seed}, sample ${image.sample}`,
    'Sampler': `${words(image.sampler)}, ${image.steps} steps`
      + (image.stepsRequested === image.steps ? '' : ` (${image.stepsRequested} asked for)`)
      + variations(image),
    'Guidance': `${words(image.guidance)}, scale ${image.guidanceScale}, timesteps ${image.intervalLow} to `
      + `${image.intervalHigh}, ${image.guidedChannels} channels`,
    'Size': `${image.width} × ${image.height} pixels`,
    'Made': new Date(image.createdAt).toLocaleString(),
    'Took': `${duration(total)} in all: ${duration(queued)} queued, ${duration(denoise)} denoising, `
      + `${duration(decode + encode)} to a file`,
    'Request': image.requestId,
    ...(headers ? {'Headers': headers} : {}),
    'Asked at': image.source,
    'Record': image.place,
    'Made by': image.generator,
    'Base model': image.baseModelHash,
  };
}

// step(image, by) shows a neighbour; more and compare are what the buttons do.
export function start({step, more, compare}) {
  dialog.addEventListener('click', ({target}) => {
    if (target === dialog) dialog.close(); // the backdrop
    if (target.dataset.step) step(selected, Number(target.dataset.step));
    if (target.dataset.do) dialog.close();
    if (target.dataset.do === 'more') more(selected);
    if (target.dataset.do === 'compare') compare(selected);
  });
  dialog.addEventListener('keydown', event => {
    if (event.key === 'ArrowLeft') step(selected, -1);
    if (event.key === 'ArrowRight') step(selected, 1);
  });
}
