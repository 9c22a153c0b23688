/**
 * Settings: what the server is set to, as far as it may be changed from here, and what this browser does with it.
 *
 * What cannot be changed is shown all the same, with a lock and the reason.
 */

import { LANGUAGES, msg, t } from '../core/i18n.js';
import { preference, remember } from '../core/preferences.js';
import { receivableCodecs } from '../core/signalling.js';
import { SETTINGS, chooseEncoder } from '../core/viewers.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { section } from './section.js';

/** @typedef {import('../core/preferences.js').Preferences} Preferences */

/**
 * @typedef {object} SettingsOptions
 * @property {(message: string) => void} send
 * @property {(name: keyof Preferences) => void} onPreference one of them was changed, and remembered
 * @property {boolean} mac
 */

const RESOLUTIONS = ['1280x720', '1600x900', '1920x1080', '1920x1200', '2560x1440', '3840x2160'];
const BY_WATCHING = msg('Only who controls the desktop can change this');
const BY_SERVER = msg('The server does not allow changing this');

export class SettingsSection {
  #options;
  /** @type {Map<string, {row: Row, setting: typeof SETTINGS[number]}>} */
  #rows = new Map();
  #resolution = new Row(t('Resolution'));
  #encoder = new Row(t('Encoder'));
  #allowed = true;
  #resizes = false;
  element;

  /** @param {SettingsOptions} options */
  constructor(options) {
    this.#options = options;
    const quality = SETTINGS.map((setting) => {
      const row = new Row(t(setting.label), (value) => options.send(`${setting.verb},${value}`));
      row.element.hidden = true;
      this.#rows.set(setting.name, { row, setting });
      return row.element;
    });
    this.#encoder.element.hidden = true;
    this.#encoder.onChange = (/** @type {string} */ name) => options.send(chooseEncoder(name));
    this.#resolution.onChange = (/** @type {string} */ value) => this.#chose('resolution', value);
    const scaling = this.#preference('scaling', t('Scaling'), { fit: t('Fill the window'), exact: t('Pixel for pixel') });
    const transport = this.#preference('transport', t('Transport'), { auto: t('Automatic'), webrtc: 'WebRTC', websocket: 'WebSocket' });
    const touch = this.#preference('touch', t('Touch'), { direct: t('Where the finger is'), trackpad: t('As a trackpad') });
    touch.classList.add('touch-only');
    const language = this.#preference('language', t('Language'), { '': t('As the browser'), ...LANGUAGES });
    const command = h('input', { type: 'checkbox', class: 'check', checked: preference('commandIsControl') });
    command.addEventListener('change', () => this.#chose('commandIsControl', command.checked));
    const mac = options.mac ? h('label', { class: 'viewer' }, h('span', {}, t('Command is Ctrl')), command) : null;
    this.element = section('settings', t('Settings'), ...quality, this.#encoder.element, this.#resolution.element, scaling, touch, mac, transport, language);
    this.#showResolution();
  }

  /** Nothing is known of the server at present. */
  forget() {
    for (const { row } of this.#rows.values()) row.element.hidden = true;
    this.#encoder.element.hidden = true;
    this.#resizes = false;
    this.#showResolution();
  }

  /** @param {boolean} allowed whether this page controls the desktop, and may change what is the same for all */
  allow(allowed) {
    this.#allowed = allowed;
    for (const { row } of this.#rows.values()) row.lock(allowed ? '' : t(BY_WATCHING));
    this.#encoder.lock(allowed ? '' : t(BY_WATCHING));
    this.#showResolution();
  }

  /** @param {boolean} allowed whether the server lets browsers choose the size of the screen */
  allowResize(allowed) {
    this.#resizes = allowed;
    this.#showResolution();
  }

  /**
   * @param {string} name as the server calls it
   * @param {string} value
   * @returns {boolean} whether it is one of these
   */
  show(name, value) {
    const found = this.#rows.get(name);
    const number = Number(value);
    if (!found || !(number > 0)) return false;
    const { row, setting } = found;
    const values = [...new Set([...setting.values, number])].sort((a, b) => a - b);
    row.choices(values.map((choice) => [String(choice), setting.text(choice)]), String(number));
    row.element.hidden = false;
    return true;
  }

  /** Those that this browser can show. @param {import('../core/viewers.js').EncodersMessage} encoders */
  showEncoders({ current, list }) {
    const receivable = receivableCodecs();
    const names = list.filter(({ codec }) => receivable?.includes(codec) ?? true).map(({ name }) => name);
    const choices = [...new Set([...names, current])].map((name) => /** @type {[string, string]} */ ([name, name]));
    this.#encoder.choices(choices, current);
    this.#encoder.element.hidden = choices.length < 2;
  }

  #showResolution() {
    const chosen = preference('resolution');
    const sizes = [...new Set([...RESOLUTIONS, ...(chosen === 'auto' ? [] : [chosen])])];
    this.#resolution.choices([['auto', t('That of the window')], ...sizes.map((size) => /** @type {[string, string]} */ ([size, size.replace('x', ' × ')]))], chosen);
    if (!this.#resizes) this.#resolution.choices([['', t('That of the desktop')]], '');
    this.#resolution.lock(!this.#resizes ? t(BY_SERVER) : !this.#allowed ? t(BY_WATCHING) : '');
  }

  /**
   * @param {'scaling' | 'touch' | 'transport' | 'language'} name
   * @param {string} label
   * @param {Record<string, string>} choices
   */
  #preference(name, label, choices) {
    const row = new Row(label, (value) => this.#chose(name, /** @type {any} */ (value)));
    row.choices(Object.entries(choices), preference(name));
    return row.element;
  }

  /**
   * @template {keyof Preferences} K
   * @param {K} name
   * @param {Preferences[K]} value
   */
  #chose(name, value) {
    remember(name, value);
    this.#options.onPreference(name);
  }
}

/** A label, a choice, and a lock where it cannot be made. */
class Row {
  #select = h('select', { class: 'choice' });
  #lock = h('span', { class: 'locked', hidden: true }, icon('lock'));
  onChange;
  element;

  /**
   * @param {string} label
   * @param {(value: string) => void} [onChange]
   */
  constructor(label, onChange = () => {}) {
    this.onChange = onChange;
    this.#select.addEventListener('change', () => this.onChange(this.#select.value));
    this.element = h('label', { class: 'viewer' }, h('span', {}, label), this.#lock, this.#select);
  }

  /**
   * @param {[string, string][]} choices value and text
   * @param {string} chosen
   */
  choices(choices, chosen) {
    this.#select.replaceChildren(...choices.map(([value, text]) => h('option', { value, selected: value === chosen }, text)));
    this.#select.value = chosen;
  }

  /** @param {string} reason why it cannot be changed; empty if it can */
  lock(reason) {
    this.#select.disabled = reason !== '';
    this.#lock.hidden = reason === '';
    this.element.title = reason;
    if (reason) this.#select.setAttribute('aria-description', reason);
    else this.#select.removeAttribute('aria-description');
  }
}
