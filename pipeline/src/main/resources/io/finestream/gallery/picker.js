// A combobox with a list (WAI-ARIA Authoring Practices): the focus stays in the field, arrows move in the list.
import {element} from './text.js';
import {load, search} from './classes.js';

const MAX_OPTIONS = 50;

export function picker(input, list, found) {
  let options = [];
  let active = -1;

  async function look() {
    await load();
    show();
  }

  function show() {
    const {total, best} = search(input.value, MAX_OPTIONS);
    active = -1;
    options = best.map((entry, i) => {
      const option = element('li');
      option.id = `${list.id}-${i}`;
      option.role = 'option';
      option.ariaSelected = 'false';
      option.dataset.name = entry.name;
      option.append(element('span', 'subclass', entry.name), element('span', 'superclass', entry.superclass));
      return option;
    });
    list.replaceChildren(...options);
    list.scrollTop = 0;
    found.textContent = total > best.length
      ? `${total.toLocaleString('en')} classes; the first ${best.length} are shown`
      : `${total} ${total === 1 ? 'class' : 'classes'}`;
    open(best.length > 0 && document.activeElement === input);
    input.removeAttribute('aria-activedescendant');
  }

  function open(whether) {
    list.hidden = !whether;
    input.setAttribute('aria-expanded', whether);
  }

  function move(to) {
    if (list.hidden || !options.length) return look();
    options[active]?.setAttribute('aria-selected', 'false');
    active = (to + options.length) % options.length;
    options[active].setAttribute('aria-selected', 'true');
    options[active].scrollIntoView({block: 'nearest'});
    input.setAttribute('aria-activedescendant', options[active].id);
  }

  function close() {
    open(false);
    input.removeAttribute('aria-activedescendant');
    found.textContent = '';
  }

  function choose(option) {
    input.value = option.dataset.name;
    close();
  }

  input.addEventListener('input', () => {
    if (options.length) show();
    else look();
  });
  input.addEventListener('focus', () => input.value || look());
  input.addEventListener('click', () => list.hidden && look());
  input.addEventListener('blur', close);
  input.addEventListener('keydown', event => {
    const open = !list.hidden;
    if (event.key === 'ArrowDown') move(active + 1);
    else if (event.key === 'ArrowUp') move(active < 0 ? -1 : active - 1);
    else if (event.key === 'Enter' && open && active >= 0) choose(options[active]);
    else if (event.key === 'Escape' && open) close();
    else return;
    event.preventDefault();
  });
  list.addEventListener('mousedown', event => event.preventDefault()); // the field keeps the focus
  list.addEventListener('click', event => {
    const option = event.target.closest('[role=option]');
    if (option) choose(option);
  });
}
