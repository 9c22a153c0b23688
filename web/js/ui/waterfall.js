/** Where the time goes between the desktop's screen and this one: a bar per stage, one after the other. */

import { msg, t } from '../core/i18n.js';
import { h, setText, svg } from './dom.js';

/** @typedef {import('../core/latency.js').Stages} Stages */

/** @type {{name: 'server' | 'network' | 'buffer' | 'decode' | 'display', label: string}[]} */
const ROWS = [
  { name: 'server', label: msg('Capture and encode') },
  { name: 'network', label: msg('Network') },
  { name: 'buffer', label: msg('Wait') },
  { name: 'decode', label: msg('Decode') },
  { name: 'display', label: msg('Display') },
];

/**
 * @param {Stages} stages
 * @returns {{name: string, start: number, width: number}[]} shares of the whole, from 0 to 100; without what is not known
 */
export function bars(stages) {
  const known = ROWS.flatMap(({ name }) => {
    const value = stages[name];
    return value === null ? [] : [{ name, value }];
  });
  const whole = known.reduce((sum, { value }) => sum + value, 0) || 1;
  let start = 0;
  return known.map(({ name, value }) => {
    const bar = { name, start: (start / whole) * 100, width: (value / whole) * 100 };
    start += value;
    return bar;
  });
}

export class Waterfall {
  #total = h('strong', {}, '–');
  /** @type {Map<string, {value: HTMLElement, bar: SVGElement}>} */
  #rows = new Map();
  #list = h('dl', { class: 'waterfall' });
  element = h('div', { class: 'latency' }, h('div', { class: 'graph-head' }, h('span', {}, t('From screen to screen, ms')), this.#total), this.#list);

  constructor() {
    for (const { name, label } of ROWS) {
      const value = h('span', { class: 'waterfall-value' }, '–');
      const bar = svg('rect', { x: 0, y: 0, width: 0, height: 8, rx: 1 });
      this.#rows.set(name, { value, bar });
      // Sizes as attributes: a strict policy allows no style in the markup.
      const box = svg('svg', { viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, bar);
      this.#list.append(h('dt', {}, t(label)), h('dd', {}, h('span', { class: 'waterfall-bar' }, box), value));
    }
  }

  /** @param {Stages | null} stages */
  update(stages) {
    const shown = new Map(stages ? bars(stages).map((bar) => [bar.name, bar]) : []);
    for (const { name } of ROWS) {
      const row = this.#rows.get(name);
      const bar = shown.get(name);
      row?.bar.setAttribute('x', String(bar?.start ?? 0));
      row?.bar.setAttribute('width', String(bar ? Math.max(bar.width, 1) : 0));
      if (row) setText(row.value, text(stages?.[name] ?? null));
    }
    setText(this.#total, text(stages?.total ?? null));
  }
}

/** @param {number | null} value */
const text = (value) => (value === null ? '–' : value >= 10 ? String(Math.round(value)) : value.toFixed(1));
