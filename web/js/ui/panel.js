/** The side panel: actions, sound, keys, numbers, help. It only asks; main.js acts. */

import { msg, t } from '../core/i18n.js';
import { h, setText } from './dom.js';
import { icon, mark } from './icons.js';
import { ClipboardSection } from './panel-clipboard.js';
import { FilesSection } from './panel-files.js';
import { GamepadsSection } from './panel-gamepads.js';
import { KeysSection } from './panel-keys.js';
import { SettingsSection } from './panel-settings.js';
import { StatsSection } from './panel-stats.js';
import { ViewersSection } from './panel-viewers.js';
import { SHORTCUTS } from '../input/hotkeys.js';

/**
 * @typedef {object} PanelOptions
 * @property {HTMLElement} root
 * @property {import('./sound.js').Sound} sound
 * @property {HTMLElement} microphone turns it on and off
 * @property {boolean} fullscreen whether it is available
 * @property {() => void} onFullscreen
 * @property {() => void} onPointerLock
 * @property {() => void} onScreenKeyboard
 * @property {() => void} onTouchGamepad
 * @property {(keysyms: number[]) => void} onKeys
 * @property {(keysym: number, down: boolean) => void} onHold
 * @property {(text: string) => void} onText
 * @property {import('./panel-viewers.js').ViewersOptions} viewers
 * @property {import('./panel-settings.js').SettingsOptions} settings
 * @property {import('./panel-files.js').FilesOptions} files
 * @property {import('./panel-clipboard.js').ClipboardSectionOptions} clipboard
 * @property {import('./panel-gamepads.js').GamepadsOptions} gamepads
 * @property {() => void} onSaveLog
 * @property {() => void} onDone a button was clicked with the mouse: the desktop wants the keyboard back
 * @property {(open: boolean) => void} onToggle
 */

/** @type {Readonly<Record<import('../core/session.js').State, string>>} */
const STATES = { idle: msg('Connecting'), connecting: msg('Connecting'), live: msg('Live'), reconnecting: msg('Reconnecting'), failed: msg('Not connected') };

export class Panel {
  #options;
  #open = false;
  #handle = h('button', { class: 'handle', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'panel-sheet', 'aria-label': t('Open the panel'), title: t('Panel (Ctrl+Shift+M)') }, icon('chevron'));
  /** For fingers: what one looks for on a phone is at hand. */
  #typeHandle;
  #sheet = h('div', { class: 'sheet', id: 'panel-sheet', role: 'region', 'aria-label': t('Desktop panel'), tabindex: -1, inert: true });
  #status = h('span', { class: 'status-text' }, t('Connecting'));
  #fullscreen;
  #mute;
  #volume = h('input', { class: 'slider', type: 'range', min: 0, max: 100, step: 1, 'aria-label': t('Volume') });
  #keys;
  /** Of no use to who only watches. @type {HTMLElement[]} */
  #forControl;
  #gamepad;
  #control = true;
  #gamepadsThere = true;
  /** Who is connected, and the quality of the picture: fed by main.js. */
  viewers;
  settings;
  files;
  clipboard;
  gamepads;
  /** The statistics, fed by main.js while the panel is open. */
  stats;

  /** @param {PanelOptions} options */
  constructor(options) {
    this.#options = options;
    const { root, sound } = options;
    this.#fullscreen = action('expand', t('Full screen'), options.onFullscreen);
    this.#fullscreen.hidden = !options.fullscreen;
    this.#mute = h('button', { class: 'icon-button', type: 'button', onclick: () => sound.toggleMuted() });
    this.#keys = new KeysSection({ onKeys: options.onKeys, onHold: options.onHold, onText: options.onText });

    this.viewers = new ViewersSection(options.viewers);
    this.files = new FilesSection(options.files);
    this.clipboard = new ClipboardSection(options.clipboard);
    this.gamepads = new GamepadsSection(options.gamepads);
    this.settings = new SettingsSection(options.settings);
    this.stats = new StatsSection(options.onSaveLog);

    this.#handle.addEventListener('click', () => this.toggle());
    this.#volume.addEventListener('input', () => sound.setVolume(Number(this.#volume.value) / 100));
    sound.addEventListener('change', () => this.#showSound());
    this.#showSound();

    const capture = only('mouse', action('pointer', t('Capture pointer'), options.onPointerLock));
    const keyboard = only('touch', action('keyboard', t('Keyboard'), options.onScreenKeyboard));
    this.#typeHandle = only('touch', h('button', { class: 'handle type-handle', type: 'button', 'aria-label': t('Keyboard'), onclick: options.onScreenKeyboard }, icon('keyboard')));
    const gamepad = only('touch', action('gamepad', t('Gamepad'), options.onTouchGamepad));
    this.#forControl = [capture, keyboard, this.#typeHandle, this.#keys.element];
    this.#gamepad = gamepad;
    this.#sheet.append(
      h('header', { class: 'sheet-head' }, mark(), h('div', { class: 'sheet-name' }, h('strong', {}, 'egldesktop'), h('span', { class: 'status' }, h('i', { class: 'dot' }), this.#status)), h('button', { class: 'icon-button', type: 'button', 'aria-label': t('Close the panel'), onclick: () => this.toggle(false) }, icon('close'))),
      h('div', { class: 'actions' }, this.#fullscreen, capture, keyboard, gamepad, options.microphone),
      h('div', { class: 'sound-row' }, this.#mute, this.#volume),
      this.viewers.element,
      this.files.element,
      this.#keys.element,
      this.clipboard.element,
      this.gamepads.element,
      this.settings.element,
      this.stats.element,
      help(),
    );
    root.append(this.#handle, this.#typeHandle, this.#sheet);

    this.#sheet.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.toggle(false);
    });
    // `detail` counts mouse clicks and is 0 for Enter and Space: whoever walks through the panel with
    // the keyboard keeps the place.
    this.#sheet.addEventListener('click', (event) => {
      const button = /** @type {Element} */ (event.target).closest('button');
      if (button && event.detail > 0 && !button.closest('.type-box')) options.onDone();
    });
  }

  get isOpen() {
    return this.#open;
  }

  /** @param {boolean} [open] */
  toggle(open = !this.#open) {
    if (open === this.#open) return;
    this.#open = open;
    const { root } = this.#options;
    root.classList.toggle('open', open);
    this.#sheet.inert = !open;
    this.#handle.setAttribute('aria-expanded', String(open));
    this.#handle.setAttribute('aria-label', open ? t('Close the panel') : t('Open the panel'));
    if (open) {
      // Only what is visible takes the focus, and visible it becomes with the next layout.
      this.#sheet.getBoundingClientRect();
      this.#sheet.focus({ preventScroll: true });
    } else {
      this.#options.onDone();
    }
    this.clipboard.setOpen(open);
    this.gamepads.setOpen(open);
    this.#options.onToggle(open);
  }

  /** @param {boolean} control whether this page controls the desktop */
  setControl(control) {
    this.#control = control;
    this.#showForControl();
    this.clipboard.setControl(control);
    this.settings.allow(control);
  }

  /** @param {boolean} there whether the desktop has gamepads */
  allowGamepads(there) {
    this.#gamepadsThere = there;
    this.#showForControl();
  }

  #showForControl() {
    for (const element of this.#forControl) element.hidden = !this.#control;
    this.#gamepad.hidden = !this.#control || !this.#gamepadsThere;
  }

  /** @param {import('../core/session.js').State} state */
  showState(state) {
    setText(this.#status, t(STATES[state]));
  }

  /** @param {boolean} on */
  showFullscreen(on) {
    this.#fullscreen.replaceChildren(icon(on ? 'shrink' : 'expand'), h('span', {}, on ? t('Leave full screen') : t('Full screen')));
  }

  /** The keys held by buttons were let go. */
  releaseKeys() {
    this.#keys.release();
  }

  #showSound() {
    const { sound } = this.#options;
    const percent = sound.muted ? 0 : Math.round(sound.volume * 100);
    this.#mute.replaceChildren(icon(sound.muted ? 'muted' : 'sound'));
    this.#mute.setAttribute('aria-label', sound.muted ? t('Unmute') : t('Mute'));
    this.#volume.value = String(percent);
    this.#volume.style.setProperty('--level', `${percent}%`);
  }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {() => void} onclick
 */
function action(name, label, onclick) {
  return h('button', { class: 'action', type: 'button', onclick }, icon(name), h('span', {}, label));
}

/**
 * @param {'mouse' | 'touch'} device the style sheet shows the element only where there is one
 * @param {HTMLElement} element
 */
function only(device, element) {
  element.classList.add(`${device}-only`);
  return element;
}

function help() {
  const rows = SHORTCUTS.flatMap(({ keys, text }) => [
    h('dt', {}, ...keys.map((key) => h('kbd', {}, t(key)))),
    h('dd', {}, t(text)),
  ]);
  return h('details', { class: 'section help' }, h('summary', {}, t('Help'), icon('down')), h('dl', {}, ...rows));
}
