/** Gamepads and what they do at this moment, to see that they work before a game does. */

import { msg, t } from '../core/i18n.js';
import { h, setText, svg } from './dom.js';
import { section } from './section.js';

/**
 * @typedef {object} GamepadsOptions
 * @property {() => Gamepad[]} list
 * @property {(gamepad: Gamepad) => void} onTry makes it rumble
 */

/** Buttons of the standard gamepad (https://w3c.github.io/gamepad/#remapping), as they are labelled where games were written for them. */
const NAMES = ['A', 'B', 'X', 'Y', 'LB', 'RB', 'LT', 'RT', '◁', '▷', 'L3', 'R3', '↑', '↓', '←', '→', '⌂'];
/** How far the dot of a stick goes, in the units of its drawing. */
const REACH = 12;
const NEITHER = msg('It cannot rumble here');

/**
 * The sticks of a pad: its axes in pairs. One without a partner moves sideways only.
 * @param {readonly number[]} axes
 * @returns {{x: number, y: number}[]}
 */
export function sticks(axes) {
  const pairs = [];
  for (let at = 0; at < axes.length; at += 2) pairs.push({ x: axes[at], y: axes[at + 1] ?? 0 });
  return pairs;
}

/**
 * @param {Pick<Gamepad, 'mapping'>} gamepad
 * @param {number} button
 */
export const buttonName = ({ mapping }, button) => (mapping === 'standard' ? NAMES[button] : undefined) ?? String(button);

export class GamepadsSection {
  #options;
  /** By the browser's number. @type {Map<number, Pad>} */
  #pads = new Map();
  #open = false;
  /** @type {number | null} */
  #frame = null;
  element = section('gamepads', t('Gamepads'));

  /** @param {GamepadsOptions} options */
  constructor(options) {
    this.#options = options;
    this.element.hidden = true;
  }

  /** Some came or went. */
  refresh() {
    for (const pad of this.#pads.values()) pad.element.remove();
    this.#pads.clear();
    for (const gamepad of this.#options.list()) {
      const pad = new Pad(gamepad, () => this.#options.onTry(gamepad));
      this.#pads.set(gamepad.index, pad);
      this.element.append(pad.element);
    }
    this.element.hidden = this.#pads.size === 0;
    this.#run();
  }

  /** @param {boolean} open whether the panel is */
  setOpen(open) {
    this.#open = open;
    this.#run();
  }

  #run() {
    const wanted = this.#open && this.#pads.size > 0;
    if (wanted && this.#frame === null) {
      this.#look();
    } else if (!wanted && this.#frame !== null) {
      cancelAnimationFrame(this.#frame);
      this.#frame = null;
    }
  }

  #look() {
    this.#frame = requestAnimationFrame(() => this.#look());
    for (const gamepad of this.#options.list()) this.#pads.get(gamepad.index)?.update(gamepad);
  }
}

/** One of them. */
class Pad {
  #dots;
  #buttons;
  element;

  /**
   * @param {Gamepad} gamepad
   * @param {() => void} onTry
   */
  constructor(gamepad, onTry) {
    this.#dots = sticks(gamepad.axes).map(() => svg('circle', { class: 'stick-dot', cx: 16, cy: 16, r: 4 }));
    this.#buttons = gamepad.buttons.map((_, button) => h('span', { class: 'pad-button' }, h('span', {}, buttonName(gamepad, button))));
    const wells = this.#dots.map((dot) => svg('svg', { class: 'stick', viewBox: '0 0 32 32' }, svg('circle', { class: 'stick-well', cx: 16, cy: 16, r: 15 }), dot));
    const rumbles = Boolean(gamepad.vibrationActuator);
    const rumble = h('button', { class: 'key', type: 'button', disabled: !rumbles, title: rumbles ? null : t(NEITHER), onclick: onTry }, t('Rumble'));
    const name = h('span', { class: 'pad-name' });
    setText(name, gamepad.id);
    this.element = h(
      'div',
      { class: 'pad' },
      h('div', { class: 'pad-head' }, name, rumble),
      // What they show changes with each frame: nothing to read out.
      h('div', { class: 'pad-state', 'aria-hidden': 'true' }, h('div', { class: 'sticks' }, ...wells), h('div', { class: 'pad-buttons' }, ...this.#buttons)),
    );
  }

  /** @param {Gamepad} gamepad */
  update({ axes, buttons }) {
    sticks(axes).forEach(({ x, y }, at) => {
      this.#dots[at]?.setAttribute('cx', String(16 + x * REACH));
      this.#dots[at]?.setAttribute('cy', String(16 + y * REACH));
    });
    buttons.forEach(({ value, pressed }, at) => {
      this.#buttons[at]?.style.setProperty('--value', String(value || Number(pressed)));
    });
  }
}
