/** Bitrates and frame rate, as far as this server lets them be changed. */

import { SETTINGS } from '../core/viewers.js';
import { h } from './dom.js';

export class SettingsSection {
  /** @type {Map<string, {row: HTMLElement, select: HTMLSelectElement, setting: typeof SETTINGS[number]}>} */
  #rows = new Map();
  element = h('section', { class: 'section', hidden: true }, h('h2', {}, 'Quality'));

  /** @param {(message: string) => void} send */
  constructor(send) {
    for (const setting of SETTINGS) {
      const select = h('select', { class: 'choice' });
      select.addEventListener('change', () => send(`${setting.verb},${select.value}`));
      const row = h('label', { class: 'viewer', hidden: true }, h('span', {}, setting.label), select);
      this.#rows.set(setting.name, { row, select, setting });
      this.element.append(row);
    }
  }

  /** Nothing is known of the server at present. */
  forget() {
    this.element.hidden = true;
    for (const { row } of this.#rows.values()) row.hidden = true;
  }

  /** @param {boolean} allowed whether this page may change them */
  allow(allowed) {
    for (const { select } of this.#rows.values()) select.disabled = !allowed;
  }

  /**
   * @param {string} name as the server calls it
   * @param {string} value
   * @returns {boolean} whether it is one of these
   */
  show(name, value) {
    const found = this.#rows.get(name);
    const number = Number(value);
    if (!found || !(number > 0)) return false;
    const { row, select, setting } = found;
    const values = [...new Set([...setting.values, number])].sort((a, b) => a - b);
    select.replaceChildren(...values.map((choice) => h('option', { value: choice, selected: choice === number }, setting.text(choice))));
    select.value = String(number);
    row.hidden = this.element.hidden = false;
    return true;
  }
}
