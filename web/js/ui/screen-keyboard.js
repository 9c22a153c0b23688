/** The on-screen keyboard of a phone: when it opens, what it covers, and the bar with the keys that it lacks. */

import { Keybar } from './keybar.js';

/**
 * @typedef {object} ScreenKeyboardOptions
 * @property {HTMLTextAreaElement} target what it types into
 * @property {HTMLElement} root where the bar goes
 * @property {(keysym: number) => void} onKey
 * @property {(keysym: number, down: boolean) => void} onHold
 */

export class ScreenKeyboard {
  #target;
  #bar;
  #coarse = matchMedia('(pointer: coarse)');

  /** @param {ScreenKeyboardOptions} options */
  constructor({ target, root, onKey, onHold }) {
    this.#target = target;
    this.#bar = new Keybar({ root, onKey, onHold, onClose: () => this.show(false) });
    this.#offer(!this.#coarse.matches);
    // What it covers, so that picture and bar stay above it.
    const { visualViewport } = window;
    for (const type of ['resize', 'scroll']) {
      visualViewport?.addEventListener(type, () => {
        const covered = Math.max(0, innerHeight - visualViewport.height - visualViewport.offsetTop);
        document.documentElement.style.setProperty('--covered', `${Math.round(covered)}px`);
      });
    }
  }

  /** @param {boolean} [on] */
  show(on = !this.#bar.isOpen) {
    // Phones look at the mode only when the focus arrives.
    this.#target.blur();
    this.#offer(on || !this.#coarse.matches);
    if (on || document.hasFocus()) this.#target.focus({ preventScroll: true });
    this.#bar.show(on);
  }

  /** There is nothing to type into any more. */
  close() {
    if (this.#bar.isOpen) this.show(false);
  }

  /** The desktop was pressed; a phone must not open its keyboard at every tap. @param {boolean} withFinger */
  pressed(withFinger) {
    this.#offer(!withFinger || this.#bar.isOpen);
  }

  /** A key went to the desktop. */
  typed() {
    this.#bar.typed();
  }

  /** All keys were let go. */
  release() {
    this.#bar.release();
  }

  /** @param {boolean} on */
  #offer(on) {
    this.#target.inputMode = on ? 'text' : 'none';
  }
}
