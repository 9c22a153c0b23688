/** Tells who controls that somebody would like to, and takes the answer. */

import { t } from '../core/i18n.js';
import { h } from './dom.js';
import { icon } from './icons.js';

export class Asking {
  #root;
  #options;
  /** By the number of who asks. @type {Map<number, HTMLElement>} */
  #chips = new Map();

  /**
   * @param {HTMLElement} root where the chips go
   * @param {{onGive: (id: number) => void, onRefuse: (id: number) => void}} options
   */
  constructor(root, options) {
    this.#root = root;
    this.#options = options;
  }

  /** @param {Pick<import('../core/viewers.js').ViewersMessage, 'list'> | null} viewers null while they are not known */
  update(viewers) {
    const asking = new Map((viewers?.list ?? []).filter(({ asks }) => asks).map((entry) => [entry.id, entry]));
    for (const [id, chip] of this.#chips) {
      if (asking.has(id)) continue;
      chip.remove();
      this.#chips.delete(id);
    }
    for (const [id, { address }] of asking) {
      // One that is there stays: who is about to click it shall not miss it.
      if (!this.#chips.has(id)) this.#add(id, address);
    }
  }

  /**
   * @param {number} id
   * @param {string} address
   */
  #add(id, address) {
    const { onGive, onRefuse } = this.#options;
    const chip = h(
      'div',
      { class: 'chip asking-chip', role: 'alert' },
      h('div', { class: 'chip-text' }, icon('hand'), h('span', {}, t('{address} asks for control.', { address }))),
      h('button', { class: 'button small primary', type: 'button', onclick: () => onGive(id) }, t('Give control')),
      h('button', { class: 'button small', type: 'button', onclick: () => onRefuse(id) }, t('Not now')),
    );
    this.#chips.set(id, chip);
    this.#root.append(chip);
  }
}
