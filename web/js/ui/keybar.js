/**
 * Keys that on-screen keyboards lack, in a bar above them. Modifiers hold for the next key; tapped twice, until tapped
 * again.
 */

import { msg, t } from '../core/i18n.js';
import { Keysym } from '../input/keysyms.js';
import { h } from './dom.js';
import { icon } from './icons.js';

/** @type {{label: string, keysym: number}[]} */
const MODIFIERS = [
  { label: 'Ctrl', keysym: Keysym.Control },
  { label: 'Alt', keysym: Keysym.Alt },
  { label: 'Shift', keysym: Keysym.Shift },
  { label: 'Super', keysym: Keysym.Super },
];
/** @type {{label: string, keysym: number, says?: string}[]} */
const KEYS = [
  { label: 'Esc', keysym: Keysym.Escape },
  { label: 'Tab', keysym: Keysym.Tab },
  { label: '←', keysym: Keysym.Left, says: msg('Left') },
  { label: '↑', keysym: Keysym.Up, says: msg('Up') },
  { label: '↓', keysym: Keysym.Down, says: msg('Down') },
  { label: '→', keysym: Keysym.Right, says: msg('Right') },
  { label: 'Del', keysym: Keysym.Delete },
  { label: 'Home', keysym: Keysym.Home },
  { label: 'End', keysym: Keysym.End },
];

/**
 * @typedef {object} KeybarOptions
 * @property {HTMLElement} root
 * @property {(keysym: number) => void} onKey
 * @property {(keysym: number, down: boolean) => void} onHold
 * @property {() => void} onClose
 */

export class Keybar {
  #options;
  /** @type {Map<HTMLElement, {keysym: number, state: 'up' | 'once' | 'locked'}>} */
  #modifiers = new Map();

  /** @param {KeybarOptions} options */
  constructor(options) {
    this.#options = options;
    const { root } = options;
    for (const { label, keysym } of MODIFIERS) {
      const button = this.#button(label, null, () => this.#next(button));
      button.setAttribute('aria-pressed', 'false');
      this.#modifiers.set(button, { keysym, state: 'up' });
    }
    const keys = KEYS.map(({ label, keysym, says }) =>
      this.#button(label, says ? t(says) : null, () => {
        options.onKey(keysym);
        this.typed();
      }),
    );
    const close = this.#button('', t('Hide the keyboard'), options.onClose);
    close.append(icon('down'));
    root.setAttribute('role', 'region');
    root.setAttribute('aria-label', t('Keys'));
    root.append(...this.#modifiers.keys(), ...keys, close);
    root.hidden = true;
  }

  get isOpen() {
    return !this.#options.root.hidden;
  }

  /** @param {boolean} open */
  show(open) {
    if (!open) this.release();
    this.#options.root.hidden = !open;
    document.documentElement.classList.toggle('with-keybar', open);
  }

  /** A key went to the desktop: what was held for it goes up. */
  typed() {
    for (const [button, { state }] of this.#modifiers) if (state === 'once') this.#set(button, 'up');
  }

  /** All keys were let go, or are to be. */
  release() {
    for (const button of this.#modifiers.keys()) this.#set(button, 'up');
  }

  /** @param {HTMLElement} button */
  #next(button) {
    const state = this.#modifiers.get(button)?.state;
    this.#set(button, state === 'up' ? 'once' : state === 'once' ? 'locked' : 'up');
  }

  /**
   * @param {HTMLElement} button
   * @param {'up' | 'once' | 'locked'} state
   */
  #set(button, state) {
    const modifier = this.#modifiers.get(button);
    if (!modifier || modifier.state === state) return;
    const wasUp = modifier.state === 'up';
    modifier.state = state;
    button.setAttribute('aria-pressed', String(state !== 'up'));
    button.classList.toggle('locked-down', state === 'locked');
    if (wasUp !== (state === 'up')) this.#options.onHold(modifier.keysym, state !== 'up');
  }

  /**
   * @param {string} label
   * @param {string | null} says
   * @param {() => void} onclick
   */
  #button(label, says, onclick) {
    const button = h('button', { class: 'key', type: 'button', tabindex: -1, 'aria-label': says, onclick }, label);
    // The focus stays where the on-screen keyboard types, or it would close.
    for (const type of ['pointerdown', 'mousedown']) button.addEventListener(type, (event) => event.preventDefault());
    return button;
  }
}
