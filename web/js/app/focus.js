/** Where the keys go: to the desktop, to the panel, or to the page itself. */

import { t } from '../core/i18n.js';
import { pointerInPicture } from '../core/protocol.js';
import { hotkeyOf } from '../input/hotkeys.js';
import { isFullscreen, toggleFullscreen } from '../ui/fullscreen.js';

/**
 * @typedef {object} FocusOptions
 * @property {HTMLTextAreaElement} target takes the desktop's keys
 * @property {(text: string) => void} send
 * @property {() => boolean} isLive
 * @property {() => import('../input/pointer.js').Pointer} pointer
 * @property {() => import('../ui/panel.js').Panel} panel
 * @property {import('../ui/toast.js').Toasts} toasts
 */

export class Focus {
  #options;
  #drawn = false;

  /** @param {FocusOptions} options */
  constructor(options) {
    this.#options = options;
    document.addEventListener('keydown', (event) => this.#stray(event));
    document.addEventListener('pointerlockchange', () => this.#pointerLocked());
    document.addEventListener('fullscreenchange', () => {
      options.panel().showFullscreen(isFullscreen());
      this.toDesktop();
    });
  }

  toDesktop() {
    const { target } = this.#options;
    if (document.activeElement !== target) target.focus({ preventScroll: true });
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it was a key of the page itself
   */
  hotkey(event) {
    const hotkey = hotkeyOf(event);
    if (!hotkey) return false;
    if (event.repeat) return true;
    if (hotkey === 'fullscreen') void this.switchFullscreen();
    else this.#options.panel().toggle();
    return true;
  }

  async switchFullscreen() {
    const { toasts } = this.#options;
    const result = await toggleFullscreen();
    if (result === 'entered-with-keys') toasts.show(t('Hold Esc to leave full screen'));
    if (result === 'refused') toasts.show(t('The browser does not allow full screen'));
  }

  /** Where there is no pointer of this machine, the desktop draws its own. @param {boolean} on */
  drawPointer(on) {
    if (on === this.#drawn) return;
    this.#drawn = on;
    this.#options.send(pointerInPicture(on));
  }

  /** Another connection begins without. */
  forget() {
    this.#drawn = false;
  }

  /**
   * Keys pressed while nothing has the focus (right after loading, after a click beside a button) are meant for the
   * desktop too.
   * @param {KeyboardEvent} event
   */
  #stray(event) {
    const { target, isLive } = this.#options;
    if (event.target === target) return;
    if (this.hotkey(event)) event.preventDefault();
    else if (event.target === document.body && isLive()) {
      this.toDesktop();
      target.dispatchEvent(new KeyboardEvent('keydown', event));
      event.preventDefault();
    }
  }

  #pointerLocked() {
    const { locked } = this.#options.pointer();
    this.drawPointer(locked);
    if (!locked) return;
    this.toDesktop();
    this.#options.toasts.show(t('Pointer captured. Press Esc to release it'));
  }
}
