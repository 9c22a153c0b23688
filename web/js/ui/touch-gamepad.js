/** Draws a gamepad over the desktop, for thumbs. */

import { t } from '../core/i18n.js';
import { DrawnGamepad, stickOf } from '../input/drawn-gamepad.js';
import { h } from './dom.js';

/** @typedef {{x: number, y: number}} Thumb */

const LEFT = 0;
const RIGHT = 1;

export class TouchGamepad {
  #pads;
  #pad;
  #root;

  /**
   * @param {HTMLElement} root where it is drawn
   * @param {import('../input/gamepad.js').Gamepads} pads
   */
  constructor(root, pads) {
    this.#pads = pads;
    this.#root = root;
    const shake = typeof navigator.vibrate === 'function' ? (/** @type {number} */ milliseconds) => void navigator.vibrate(milliseconds) : null;
    this.#pad = new DrawnGamepad(t('Gamepad on the touch screen'), shake);
    const button = (/** @type {string} */ label, /** @type {number} */ number, place = '') => this.#button(label, number, place);
    root.append(
      h(
        'div', { class: 'thumb-side' },
        h('div', { class: 'thumb-row' }, button('LT', 6), button('LB', 4)),
        h('div', { class: 'thumb-pair' }, this.#area('cross', (thumb) => this.#pad.cross(thumb)), this.#area('stick', (thumb) => this.#pad.tilt(LEFT, thumb))),
      ),
      h('div', { class: 'thumb-middle' }, button('◁', 8), button('⌂', 16), button('▷', 9)),
      h(
        'div', { class: 'thumb-side' },
        h('div', { class: 'thumb-row' }, button('RB', 5), button('RT', 7)),
        h('div', { class: 'thumb-pair' }, h('div', { class: 'thumb-diamond' }, button('Y', 3, 'top'), button('X', 2, 'left'), button('B', 1, 'right'), button('A', 0, 'bottom')), this.#area('stick', (thumb) => this.#pad.tilt(RIGHT, thumb))),
      ),
    );
    // It is for thumbs: there is nothing to read out, and nothing for a keyboard.
    root.setAttribute('aria-hidden', 'true');
    root.hidden = true;
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  /** @param {boolean} on */
  show(on) {
    if (on === this.isOpen) return;
    this.#root.hidden = !on;
    document.documentElement.classList.toggle('with-thumbs', on);
    this.#pad.release();
    if (on) this.#pads.attach(/** @type {Gamepad} */ (/** @type {unknown} */ (this.#pad)));
    else this.#pads.detach(this.#pad.index);
  }

  /**
   * @param {string} label
   * @param {number} number
   * @param {string} place
   */
  #button(label, number, place) {
    const made = h('div', { class: `thumb-button ${place}` }, label);
    const press = (/** @type {boolean} */ down) => {
      this.#pad.press(number, down);
      made.classList.toggle('down', down);
    };
    this.#follow(made, () => press(true), () => {}, () => press(false));
    return made;
  }

  /**
   * @param {'stick' | 'cross'} kind
   * @param {(thumb: Thumb) => void} set
   */
  #area(kind, set) {
    const dot = h('div', { class: 'thumb-dot' });
    const made = h('div', { class: `thumb-area thumb-${kind}` }, dot);
    const move = (/** @type {PointerEvent} */ { clientX, clientY }) => {
      const { left, top, width, height } = made.getBoundingClientRect();
      const thumb = stickOf(clientX - left - width / 2, clientY - top - height / 2, width / 2);
      dot.style.transform = `translate(${thumb.x * width * 0.3}px, ${thumb.y * height * 0.3}px)`;
      set(thumb);
    };
    this.#follow(made, move, move, () => {
      dot.style.transform = '';
      set({ x: 0, y: 0 });
    });
    return made;
  }

  /**
   * A thumb that came down here belongs here until it goes up.
   * @param {HTMLElement} element
   * @param {(event: PointerEvent) => void} down
   * @param {(event: PointerEvent) => void} move
   * @param {() => void} up
   */
  #follow(element, down, move, up) {
    /** @type {number | null} */
    let thumb = null;
    element.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      if (thumb !== null) return;
      thumb = event.pointerId;
      element.setPointerCapture(thumb);
      down(event);
    });
    element.addEventListener('pointermove', (event) => {
      if (event.pointerId === thumb) move(event);
    });
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel'])) {
      element.addEventListener(type, (event) => {
        if (event.pointerId !== thumb) return;
        thumb = null;
        up();
      });
    }
  }
}
