/**
 * Fingers and pens as what they are, for a desktop that has a touch screen and a pen of its own. Others
 * get a mouse: see Touch and Pointer.
 */

import { PenButton, pen, touchCancel, touchDown, touchMotion, touchUp } from '../core/protocol.js';

const MAX_FINGERS = 10;
/** What is down is repeated: the server lets go of everything for a client that says nothing any more. */
const HEARTBEAT_MS = 1000;
/** PointerEvent.buttons of a pen. */
const BARREL = 2;
const ERASER = 32;

/**
 * @typedef {object} ContactsOptions
 * @property {(message: string) => void} send
 * @property {(clientX: number, clientY: number) => {x: number, y: number}} locate pixel of the video
 * @property {() => boolean} congested moves are better left out
 * @property {(callback: () => void, milliseconds: number) => any} [setInterval]
 * @property {(id: any) => void} [clearInterval]
 */

/** @typedef {{pointerId: number, clientX: number, clientY: number, pressure: number}} Contact */
/** @typedef {Contact & {buttons: number, tiltX: number, tiltY: number}} PenContact */

export class Contacts {
  #options;
  /** What was sent last of each finger, by the browser's number for it.
   * @type {Map<number, {id: number, x: number, y: number, pressure: number}>} */
  #fingers = new Map();
  /** What was sent last of the pen while it is near. @type {string | null} */
  #pen = null;
  /** @type {any} */
  #heartbeat = null;

  /** @param {ContactsOptions} options */
  constructor(options) {
    this.#options = {
      setInterval: (/** @type {() => void} */ callback, /** @type {number} */ ms) => globalThis.setInterval(callback, ms),
      clearInterval: (/** @type {any} */ id) => globalThis.clearInterval(id),
      ...options,
    };
  }

  /** @param {Contact} event */
  down(event) {
    const taken = new Set([...this.#fingers.values()].map((finger) => finger.id));
    const id = [...Array(MAX_FINGERS).keys()].find((free) => !taken.has(free));
    if (id === undefined) return;
    const { x, y } = this.#options.locate(event.clientX, event.clientY);
    this.#fingers.set(event.pointerId, { id, x, y, pressure: event.pressure });
    this.#options.send(touchDown(id, x, y, event.pressure));
    this.#beat();
  }

  /** @param {Contact} event */
  move(event) {
    const finger = this.#fingers.get(event.pointerId);
    if (!finger || this.#options.congested()) return;
    Object.assign(finger, this.#options.locate(event.clientX, event.clientY), { pressure: event.pressure });
    this.#options.send(touchMotion(finger.id, finger.x, finger.y, finger.pressure));
  }

  /** It went up, or the system took it away. @param {{pointerId: number}} event */
  up({ pointerId }) {
    const finger = this.#fingers.get(pointerId);
    if (!finger) return;
    this.#fingers.delete(pointerId);
    this.#options.send(touchUp(finger.id));
    this.#beat();
  }

  /** The pen came, moved, or changed what it presses. @param {PenContact} event */
  pen(event) {
    const contact = event.buttons !== 0 && event.pressure > 0;
    const buttons =
      PenButton.near |
      (contact ? PenButton.contact : 0) |
      (event.buttons & BARREL ? PenButton.barrel : 0) |
      (event.buttons & ERASER ? PenButton.eraser : 0);
    const { x, y } = this.#options.locate(event.clientX, event.clientY);
    const message = pen(x, y, event.pressure, event.tiltX, event.tiltY, buttons);
    const press = this.#pen === null || !this.#pen.endsWith(`,${buttons}`);
    if (message === this.#pen || (!press && this.#options.congested())) return;
    this.#pen = message;
    this.#options.send(message);
    this.#beat();
  }

  /** The pen is too far away to be seen. */
  penGone() {
    if (this.#pen === null) return;
    this.#pen = null;
    this.#options.send(pen(0, 0, 0, 0, 0, 0));
    this.#beat();
  }

  /** Lets go of everything. */
  release() {
    if (this.#fingers.size > 0) this.#options.send(touchCancel());
    this.#fingers.clear();
    this.penGone();
    this.#beat();
  }

  #beat() {
    const wanted = this.#fingers.size > 0 || this.#pen !== null;
    const { setInterval, clearInterval, send } = this.#options;
    if (wanted && this.#heartbeat === null) {
      this.#heartbeat = setInterval(() => {
        for (const { id, x, y, pressure } of this.#fingers.values()) send(touchMotion(id, x, y, pressure));
        if (this.#pen !== null) send(this.#pen);
      }, HEARTBEAT_MS);
    } else if (!wanted && this.#heartbeat !== null) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
    }
  }
}
