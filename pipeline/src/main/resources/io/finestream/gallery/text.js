// Everything that came from Kafka is put on the page as text, never as markup.

export const byId = id => document.getElementById(id);
export const fileOf = image => '/images/' + image.number;
export const words = name => name.toLowerCase().replaceAll('_', ' ');

/** The server's events, for as long as the page is shown: a browser has few connections to spare for pages that were left. */
export function eventsOf(path) {
  const events = new EventSource(path);
  addEventListener('pagehide', () => events.close());
  addEventListener('pageshow', shown => { if (shown.persisted) location.reload(); });
  return events;
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// How the page's stream of events is.
export function connection(state, text) {
  const element = byId('connection');
  if (element.textContent !== text) {
    element.dataset.state = state;
    element.textContent = text;
  }
}

export const fromTemplate = id => byId(id).content.firstElementChild.cloneNode(true);

export function picture(image, alt = `Generated image of the class ${image.subclass}`) {
  const made = element('img');
  made.src = fileOf(image);
  made.alt = alt;
  return made;
}

export const clock = millis =>
  new Date(millis).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit'});

// Clients write these numbers, so they may be no date and no number at all.
export function isoTime(millis) {
  const time = new Date(millis);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

export function duration(value) {
  const millis = Number(value);
  if (millis < 1000) return `${millis.toFixed(millis < 10 ? 1 : 0)} ms`;
  const seconds = millis / 1000;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

// How it was sampled, beside sampler and steps; nothing where it is as usual.
export const variations = ({sampler, eta, respacing, cacheInterval}) =>
  (respacing ? ` (${respacing})` : '')
  + (sampler === 'DDIM' && eta ? `, eta ${eta}` : '')
  + (cacheInterval > 1 ? `, network asked every ${cacheInterval} steps` : '');

export const settings = ({seed, guidanceScale, steps, sampler}) =>
  `seed ${seed} · guidance ${guidanceScale} · ${steps} steps ${words(sampler)}`;
