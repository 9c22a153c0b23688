/** A small live graph: the last minute of one number. */

import { h, setText, svg } from './dom.js';

const HISTORY = 60;
const HEIGHT = 24;

/**
 * Where the line goes, in a box of HISTORY - 1 by HEIGHT.
 * @param {readonly number[]} values oldest first
 * @param {number} least the top of the box is at least this
 * @returns {string} points of an SVG polyline
 */
export function linePoints(values, least) {
  const top = Math.max(least, ...values);
  const start = HISTORY - values.length;
  return values.map((value, index) => `${start + index},${(HEIGHT - 1 - (value / top) * (HEIGHT - 3)).toFixed(1)}`).join(' ');
}

export class Graph {
  #value = h('strong', {}, '–');
  #line = svg('polyline', { points: '', fill: 'none', 'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke' });
  #area = svg('polygon', { points: '' });
  #least;
  /** @type {number[]} */
  #values = [];
  element;

  /**
   * @param {string} label with the unit
   * @param {number} least what the whole height stands for at least
   */
  constructor(label, least) {
    this.#least = least;
    this.element = h(
      'div',
      { class: 'graph' },
      h('div', { class: 'graph-head' }, h('span', {}, label), this.#value),
      // The number beside it says the same.
      h('div', { class: 'graph-line', 'aria-hidden': 'true' }, svg('svg', { viewBox: `0 0 ${HISTORY - 1} ${HEIGHT}`, preserveAspectRatio: 'none' }, this.#area, this.#line)),
    );
  }

  /**
   * @param {number | null} value
   * @param {string} text
   */
  add(value, text) {
    setText(this.#value, text);
    if (value === null) return;
    this.#values.push(value);
    if (this.#values.length > HISTORY) this.#values.shift();
    const points = linePoints(this.#values, this.#least);
    this.#line.setAttribute('points', points);
    this.#area.setAttribute('points', `${HISTORY - this.#values.length},${HEIGHT} ${points} ${HISTORY - 1},${HEIGHT}`);
  }
}
