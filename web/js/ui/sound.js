/** Sound in an element of its own, so that picture and sound never wait for each other. */

import { t } from '../core/i18n.js';
import { h } from './dom.js';
import { icon } from './icons.js';

const STORE = 'egldesktop.sound';

export class Sound extends EventTarget {
  #audio;
  #chip;

  /**
   * @param {HTMLAudioElement} audio
   * @param {HTMLElement} chipRoot where the "Enable sound" chip goes
   */
  constructor(audio, chipRoot) {
    super();
    this.#audio = audio;
    this.#chip = h(
      'button',
      { class: 'chip sound-chip', type: 'button', hidden: true, onclick: () => this.#play() },
      icon('sound'),
      t('Enable sound'),
    );
    chipRoot.append(this.#chip);
    this.#restore();
    // Browsers allow sound from the first gesture on, whatever it was meant for.
    for (const type of ['pointerup', 'keydown']) {
      document.addEventListener(type, () => !this.#chip.hidden && this.#play(), { capture: true });
    }
  }

  get volume() {
    return this.#audio.volume;
  }

  get muted() {
    return this.#audio.muted || this.#audio.volume === 0;
  }

  /** @param {MediaStreamTrack} track */
  attach(track) {
    this.#audio.srcObject = new MediaStream([track]);
    this.#play();
  }

  detach() {
    this.#audio.srcObject = null;
    this.#chip.hidden = true;
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.#audio.volume = Math.min(1, Math.max(0, volume));
    this.#audio.muted = volume === 0;
    this.#changed();
  }

  toggleMuted() {
    const on = this.muted;
    if (on && this.#audio.volume === 0) this.#audio.volume = 1;
    this.#audio.muted = !on;
    this.#changed();
  }

  async #play() {
    if (!this.#audio.srcObject) return;
    try {
      await this.#audio.play();
      this.#chip.hidden = true;
    } catch (error) {
      // AbortError only says that a newer stream took over.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#chip.hidden = false;
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
    try {
      localStorage.setItem(STORE, JSON.stringify({ volume: this.#audio.volume, muted: this.#audio.muted }));
    } catch {
      // Private windows may refuse to remember; then they do not.
    }
  }

  #restore() {
    try {
      const { volume, muted } = JSON.parse(localStorage.getItem(STORE) ?? '{}');
      if (volume >= 0 && volume <= 1) this.#audio.volume = volume;
      this.#audio.muted = muted === true;
    } catch {
      // Nothing stored, or nothing of ours.
    }
  }
}
