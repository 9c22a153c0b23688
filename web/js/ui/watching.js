/** Says who only watches that this is so, and offers control to who may take it. */

import { t } from '../core/i18n.js';
import { h } from './dom.js';
import { icon } from './icons.js';

export class Watching {
  #chip;
  #take;

  /**
   * @param {HTMLElement} root where the chip goes
   * @param {() => void} onTake
   */
  constructor(root, onTake) {
    this.#take = h('button', { class: 'button small', type: 'button', onclick: onTake }, t('Take control'));
    this.#chip = h('div', { class: 'chip watching-chip', hidden: true }, icon('eye'), h('span', {}, t('You are watching.')), this.#take);
    root.append(this.#chip);
  }

  /** @param {{control: boolean, mayControl: boolean} | null} viewer null while that is not known */
  update(viewer) {
    this.#chip.hidden = viewer === null || viewer.control;
    this.#take.hidden = !viewer?.mayControl;
  }
}
