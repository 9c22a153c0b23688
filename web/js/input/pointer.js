/** Mouse, wheel and pointer lock to the desktop; fingers go on to Touch. */

import { mouseAbsolute, mouseRelative, wheelSteps } from '../core/protocol.js';
import { fittedBox, maskOfButtons, toVideo } from './geometry.js';
import { Touch } from './touch.js';
import { WheelAccumulator } from './wheel.js';

/** More than this in the send queue means the network is behind: a move that is old when it arrives
 * only makes the pointer trail. */
const CONGESTED_BYTES = 16 * 1024;

/**
 * @typedef {object} PointerOptions
 * @property {HTMLElement} area receives the events
 * @property {HTMLVideoElement} video
 * @property {(message: string) => void} send
 * @property {() => number} buffered
 * @property {(kind: string) => void} onPress the user pressed on the desktop
 * @property {() => void} onLockRefused
 * @property {boolean} [mac]
 * @property {Pick<import('./touch.js').TouchOptions, 'mode' | 'zoom' | 'keyboard'>} [touch]
 */

export class Pointer {
  #options;
  #wheel = new WheelAccumulator();
  #mask = 0;
  #at = { x: 0, y: 0 };
  /** Buttons that belong to a Ctrl+Shift+click and must not reach the desktop. */
  #swallow = false;

  /** @param {PointerOptions} options */
  constructor(options) {
    this.#options = options;
    const { area } = options;
    const touch = new Touch({
      move: (x, y, mask) => this.#touched(x, y, mask),
      scroll: (dx, dy) => this.#turn(dx, dy, 0),
      bounds: () => fittedBox(options.video.getBoundingClientRect(), options.video.videoWidth, options.video.videoHeight),
      ...options.touch,
    });

    area.addEventListener('pointerdown', (event) => {
      // A drag that leaves the window still ends here. (A locked pointer cannot leave, nor be captured.)
      if (!this.locked) area.setPointerCapture(event.pointerId);
      options.onPress(event.pointerType);
      if (event.pointerType === 'touch') return touch.down(event);
      if (event.ctrlKey && event.shiftKey && event.button === 0 && !this.locked) {
        this.#swallow = true;
        this.lock();
        return;
      }
      this.#mouse(event);
    });
    area.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'touch') touch.move(event);
      else this.#mouse(event);
    });
    area.addEventListener('pointerup', (event) => {
      if (event.pointerType === 'touch') touch.up(event);
      else this.#mouse(event);
    });
    area.addEventListener('pointercancel', (event) => {
      if (event.pointerType === 'touch') touch.cancel(event);
      else this.release();
    });
    area.addEventListener('wheel', (event) => this.#wheelEvent(event), { passive: false });
    // Autoscroll, back and forward, text selection, the context menu: none of them belongs here.
    for (const type of ['mousedown', 'mouseup', 'auxclick', 'contextmenu', 'dragstart']) {
      area.addEventListener(type, (event) => event.preventDefault());
    }
    document.addEventListener('pointerlockchange', () => this.release());
  }

  get locked() {
    return document.pointerLockElement === this.#options.area;
  }

  /** Captures the pointer: from now on movement, not position, is sent. */
  async lock() {
    const { area, onLockRefused } = this.#options;
    try {
      // Games want the mouse without the acceleration that the local system adds.
      await area.requestPointerLock({ unadjustedMovement: true });
    } catch {
      try {
        await area.requestPointerLock();
      } catch {
        onLockRefused();
      }
    }
  }

  unlock() {
    if (this.locked) document.exitPointerLock();
  }

  /** Lets go of all buttons. */
  release() {
    this.#wheel.reset();
    if (this.#mask === 0) return;
    this.#mask = 0;
    this.#send(0, 0);
  }

  /** @param {PointerEvent} event */
  #mouse(event) {
    if (this.#swallow) {
      this.#swallow = event.buttons !== 0;
      return;
    }
    // A second button pressed while the first is down arrives as a move, so the mask decides what
    // this event is.
    const mask = maskOfButtons(event.buttons);
    const button = mask !== this.#mask;
    this.#mask = mask;
    if (!button && this.#options.buffered() > CONGESTED_BYTES) return;
    if (this.locked) {
      const ratio = this.#pixelRatio();
      this.#send(event.movementX * ratio, event.movementY * ratio);
    } else {
      this.#locate(event.clientX, event.clientY);
      this.#send(0, 0);
    }
  }

  /**
   * @param {number} clientX
   * @param {number} clientY
   * @param {number} mask
   */
  #touched(clientX, clientY, mask) {
    const button = mask !== this.#mask;
    this.#mask = mask;
    if (!button && this.#options.buffered() > CONGESTED_BYTES) return;
    this.#locate(clientX, clientY);
    this.#send(0, 0);
  }

  /** @param {WheelEvent} event */
  #wheelEvent(event) {
    event.preventDefault();
    let { deltaX, deltaY } = event;
    // Browsers turn Shift+wheel into sideways scrolling; the desktop has the Shift key already and
    // wants to decide for itself. (On macOS it is the system that turns it.)
    if (event.shiftKey && deltaY === 0 && !this.#options.mac) [deltaX, deltaY] = [0, deltaX];
    if (!this.locked) this.#locate(event.clientX, event.clientY);
    this.#turn(deltaX, deltaY, event.deltaMode);
  }

  /**
   * @param {number} deltaX
   * @param {number} deltaY
   * @param {number} mode
   */
  #turn(deltaX, deltaY, mode) {
    for (const { bit, magnitude } of wheelSteps(this.#wheel.add(deltaX, deltaY, mode))) {
      this.#send(0, 0, this.#mask | bit, magnitude);
      this.#send(0, 0, this.#mask & ~bit, 0);
    }
  }

  /**
   * @param {number} dx used when locked; otherwise the known position is sent
   * @param {number} dy
   * @param {number} [mask]
   * @param {number} [scroll]
   */
  #send(dx, dy, mask = this.#mask, scroll = 0) {
    const { send } = this.#options;
    if (this.locked) send(mouseRelative(dx, dy, mask, scroll));
    else send(mouseAbsolute(this.#at.x, this.#at.y, mask, scroll));
  }

  /**
   * @param {number} clientX
   * @param {number} clientY
   */
  #locate(clientX, clientY) {
    const { video } = this.#options;
    if (video.videoWidth === 0) return;
    this.#at = toVideo(clientX, clientY, video.getBoundingClientRect(), video.videoWidth, video.videoHeight);
  }

  /** Desktop pixels per CSS pixel: the pointer moves as far as the hand expects on this screen. */
  #pixelRatio() {
    const { video } = this.#options;
    const { width } = fittedBox(video.getBoundingClientRect(), video.videoWidth, video.videoHeight);
    return width > 0 && video.videoWidth > 0 ? video.videoWidth / width : 1;
  }
}
