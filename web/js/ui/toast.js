/** Short notes that come and go by themselves. */

import { h } from './dom.js';

const SHOWN_MS = 3500;

export class Toasts {
  #root;
  /** @type {HTMLElement | null} */
  #current = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} text */
  show(text) {
    this.#current?.remove(); // one at a time: the newest is the one that matters
    const toast = h('div', { class: 'toast', role: 'status' }, text);
    this.#current = toast;
    this.#root.append(toast);
    setTimeout(() => {
      toast.classList.add('leaving');
      setTimeout(() => toast.remove(), 400);
    }, SHOWN_MS);
  }
}
