// The taxonomy: fetched once, searched here.

let entries = [];
let loading = null;
const known = new Set();

export const fold = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

function add(name, superclass) {
  known.add(name);
  const key = fold(name);
  entries.push({name, superclass, key, all: `${key} ${fold(superclass)}`});
}

// Gives whether they are there.
export function load() {
  loading ??= fetch('/classes.json').then(answer => answer.json()).then(({superclasses, subclasses}) => {
    const learned = entries;
    entries = [];
    known.clear();
    subclasses.forEach(([name, superclass]) => add(name, superclasses[superclass]));
    learned.forEach(({name, superclass}) => learn(name, superclass));
    return true;
  }).catch(() => {
    loading = null; // the next look tries again
    return false;
  });
  return loading;
}

// A class that fine-tuning added shows itself by an image.
export function learn(name, superclass) {
  if (!known.has(name)) add(name, superclass);
}

// Its name as the model writes it; undefined if there is no such class.
export const find = name => entries.find(entry => entry.key === fold(name).trim())?.name;

// Names that begin with the query, then those with a word that does, with all its words, and members of a superclass.
export function search(query, limit) {
  const wanted = fold(query).trim();
  const parts = wanted.split(/\s+/);
  const ranks = [[], [], [], []];
  for (const entry of entries) {
    if (!parts.every(part => entry.all.includes(part))) continue;
    if (entry.key.startsWith(wanted)) ranks[0].push(entry);
    else if (entry.key.includes(' ' + wanted)) ranks[1].push(entry);
    else if (parts.every(part => entry.key.includes(part))) ranks[2].push(entry);
    else ranks[3].push(entry);
  }
  const found = ranks.flat();
  return {total: found.length, best: found.slice(0, limit)};
}
