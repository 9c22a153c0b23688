/** Says who only watches that this is so, and offers control to who may have it. */

import { t } from '../core/i18n.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';

/** @typedef {Pick<import('../core/viewers.js').ViewersMessage, 'control' | 'mayControl' | 'mustAsk' | 'asks'>} Role */

/**
 * A button that takes control, or asks for it.
 * @param {string} style of the button
 * @param {(ask: boolean) => void} onTake
 * @returns {{button: HTMLButtonElement, update: (role: Role | null) => void}}
 */
export function takeButton(style, onTake) {
  let ask = false;
  const button = h('button', { class: style, type: 'button', hidden: true, onclick: () => onTake(ask) });
  return {
    button,
    update(role) {
      ask = role?.mustAsk === true;
      button.hidden = !role?.mayControl || role.control;
      button.disabled = role?.asks === true;
      setText(button, role?.asks ? t('Asked; waiting') : ask ? t('Ask for control') : t('Take control'));
    },
  };
}

export class Watching {
  #chip;
  #take;

  /**
   * @param {HTMLElement} root where the chip goes
   * @param {(ask: boolean) => void} onTake
   */
  constructor(root, onTake) {
    this.#take = takeButton('button small', onTake);
    this.#chip = h('div', { class: 'chip watching-chip', hidden: true }, icon('eye'), h('span', {}, t('You are watching.')), this.#take.button);
    root.append(this.#chip);
  }

  /** @param {Role | null} role null while that is not known */
  update(role) {
    this.#chip.hidden = role === null || role.control;
    this.#take.update(role);
  }
}
