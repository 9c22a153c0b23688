/** Keys that the local system or a phone cannot press, and text to type in one go. */

import { t } from '../core/i18n.js';
import { Keysym } from '../input/keysyms.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { section } from './section.js';

/** @type {{label: string, keysyms: number[]}[]} */
const TAPS = [
  { label: 'Esc', keysyms: [Keysym.Escape] },
  { label: 'Tab', keysyms: [Keysym.Tab] },
  { label: 'Super', keysyms: [Keysym.Super] },
  { label: 'Del', keysyms: [Keysym.Delete] },
  { label: 'Print', keysyms: [Keysym.Print] },
  { label: 'Alt+Tab', keysyms: [Keysym.Alt, Keysym.Tab] },
  { label: 'Alt+F4', keysyms: [Keysym.Alt, Keysym.F4] },
  { label: 'Ctrl+Alt+Del', keysyms: [Keysym.Control, Keysym.Alt, Keysym.Delete] },
];

/** @type {{label: string, keysym: number}[]} */
const HOLDS = [
  { label: 'Ctrl', keysym: Keysym.Control },
  { label: 'Alt', keysym: Keysym.Alt },
  { label: 'Shift', keysym: Keysym.Shift },
];

export class KeysSection {
  /** @type {HTMLElement[]} */
  #holds;

  /** @param {{onKeys: (keysyms: number[]) => void, onHold: (keysym: number, down: boolean) => void, onText: (text: string) => void}} options */
  constructor({ onKeys, onHold, onText }) {
    const taps = TAPS.map(({ label, keysyms }) => key(label, () => onKeys([...keysyms])));
    this.#holds = HOLDS.map(({ label, keysym }) => {
      const button = key(label, () => {
        const down = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(down));
        onHold(keysym, down);
      });
      button.classList.add('hold');
      button.setAttribute('aria-pressed', 'false');
      button.title = t('Hold down until clicked again');
      // Taking the focus would end the hold: leaving the desktop releases all keys.
      return button;
    });
    for (const button of [...taps, ...this.#holds]) {
      button.addEventListener('pointerdown', (event) => event.preventDefault());
      button.addEventListener('mousedown', (event) => event.preventDefault());
    }

    const field = h('textarea', { class: 'field', rows: 2, placeholder: t('Text to type on the desktop'), 'aria-label': t('Text to type on the desktop'), spellcheck: 'false' });
    const submit = () => {
      if (field.value === '') return;
      onText(field.value);
      field.value = '';
    };
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
    });
    this.element = section(
      'keys',
      t('Keys'),
      h('div', { class: 'keys' }, ...this.#holds, ...taps),
      h('div', { class: 'type-box' }, field, h('button', { class: 'icon-button send', type: 'button', 'aria-label': t('Type the text'), title: t('Type the text (Ctrl+Enter)'), onclick: submit }, icon('send'))),
    );
  }

  release() {
    for (const button of this.#holds) button.setAttribute('aria-pressed', 'false');
  }
}

/**
 * @param {string} label
 * @param {() => void} onclick
 */
function key(label, onclick) {
  return h('button', { class: 'key', type: 'button', onclick }, label);
}
