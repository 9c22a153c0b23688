/** A part of the panel that can be folded up, and stays so. */

import { preference, remember } from '../core/preferences.js';
import { h } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../core/preferences.js').SectionName} SectionName */

/**
 * @param {SectionName} name
 * @param {string} title
 * @param {...(Node | null)} children
 */
export function section(name, title, ...children) {
  const element = h('details', { class: 'section', open: !preference('folded').includes(name) }, h('summary', {}, h('h2', {}, title), icon('down')), ...children);
  element.addEventListener('toggle', () => {
    const others = preference('folded').filter((folded) => folded !== name);
    remember('folded', element.open ? others : [...others, name]);
  });
  return element;
}
