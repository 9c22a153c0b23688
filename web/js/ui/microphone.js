/** The user's microphone, for the programs on the desktop: on by a click, where the desktop allows it, and seen while it is on. */

import { t } from '../core/i18n.js';
import { h } from './dom.js';
import { icon } from './icons.js';

export class Microphone {
  #sender;
  #tell;
  #allowed = false;
  #control = false;
  /** @type {MediaStreamTrack | null} while it is on */
  #track = null;
  #asking = false;
  #chip;
  /** Turns it on and off. */
  button;

  /**
   * @param {object} options
   * @param {HTMLElement} options.root where it is shown that it is on
   * @param {() => RTCRtpSender | null} options.sender of the connection in use
   * @param {(text: string) => void} options.tell
   */
  constructor({ root, sender, tell }) {
    this.#sender = sender;
    this.#tell = tell;
    const onclick = () => void this.toggle();
    this.button = h('button', { class: 'action microphone', type: 'button', hidden: true, 'aria-pressed': 'false', onclick }, icon('microphone'), t('Microphone'));
    this.#chip = h('button', { class: 'chip microphone-chip', type: 'button', hidden: true, onclick }, icon('microphone'), t('Your microphone is on. Turn off'));
    root.append(this.#chip);
    window.addEventListener('pagehide', () => this.stop());
  }

  /** The desktop listens, or this is another connection and it is not known yet. @param {boolean} on */
  allow(on) {
    this.#allowed = on;
    this.#show();
    if (on && this.#track) void this.#send(this.#track);
  }

  /** Only who controls the desktop is heard. @param {boolean} on */
  setControl(on) {
    this.#control = on;
    if (!on) this.stop();
    this.#show();
  }

  async toggle() {
    if (this.#track) return this.stop();
    if (this.#asking) return;
    if (!this.#sender()) return this.#tell(t('The microphone needs a connection by WebRTC'));
    if (!navigator.mediaDevices) return this.#tell(t('Browsers give the microphone only to pages that came by HTTPS'));
    this.#asking = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      const [track] = stream.getAudioTracks();
      // The user may have taken long.
      if (!this.#allowed || !this.#control) return track.stop();
      track.addEventListener('ended', () => this.#track === track && this.stop());
      this.#track = track;
      await this.#send(track);
    } catch (error) {
      const refused = error instanceof DOMException && error.name === 'NotAllowedError';
      this.#tell(refused ? t('The browser does not allow the microphone; a sign in its address bar lets you change that') : t('No microphone was found, or it is in use elsewhere'));
    } finally {
      this.#asking = false;
      this.#show();
    }
  }

  /** Turns it off. */
  stop() {
    const track = this.#track;
    this.#track = null;
    track?.stop();
    if (track) void this.#sender()?.replaceTrack(null).catch(() => {}); // the connection has ended
    this.#show();
  }

  /** @param {MediaStreamTrack} track */
  async #send(track) {
    const sender = this.#sender();
    if (!sender) {
      this.stop();
      return this.#tell(t('The microphone needs a connection by WebRTC'));
    }
    try {
      await sender.replaceTrack(track);
      if (track !== this.#track) await sender.replaceTrack(null);
    } catch (error) {
      console.warn('The microphone cannot be sent:', error);
      this.stop();
    }
  }

  #show() {
    this.button.hidden = !this.#allowed || !this.#control;
    this.button.setAttribute('aria-pressed', String(this.#track !== null));
    this.#chip.hidden = this.#track === null;
    document.documentElement.dataset.microphone = this.#track ? 'on' : 'off';
  }
}
