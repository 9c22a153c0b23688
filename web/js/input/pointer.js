/** Mouse, wheel and pointer lock to the desktop; fingers and pens go on to Contacts, or to Touch. */

import { keyDown, keyUp, mouseAbsolute, mouseRelative, wheelSteps, wheelTurns } from '../core/protocol.js';
import { Contacts } from './contacts.js';
import { fittedBox, maskOfButtons, toVideo } from './geometry.js';
import { Keysym } from './keysyms.js';
import { Touch } from './touch.js';
import { WheelAccumulator, ticksOf } from './wheel.js';

/** More than this in the send queue means the network is behind: a move that is old when it arrives
 * only makes the pointer trail. */
const CONGESTED_BYTES = 16 * 1024;
/** A held button is repeated: the server lets go of everything for a client that says nothing any more. */
const HEARTBEAT_MS = 1000;
/** Two fingers that go apart on a touchpad arrive as a wheel; what it takes to make things a tenth larger. */
const PINCH_PIXELS_PER_TICK = 10;

/**
 * @typedef {object} PointerOptions
 * @property {HTMLElement} area receives the events
 * @property {() => import('./geometry.js').Box} box of the video element, in the page
 * @property {() => {width: number, height: number}} size of the desktop; zero while it is not known
 * @property {(message: string) => void} send
 * @property {() => number} buffered
 * @property {(kind: string) => void} onPress the user pressed on the desktop
 * @property {() => void} onLockRefused
 * @property {() => boolean} controlDown the user holds Control
 * @property {() => boolean} [mayLock] false for who only watches: a captured pointer would be of no use
 * @property {boolean} [mac]
 * @property {Pick<import('./touch.js').TouchOptions, 'mode' | 'zoom' | 'keyboard'>} [touch]
 */

export class Pointer {
  #options;
  #wheel = new WheelAccumulator();
  #pinch = new WheelAccumulator(PINCH_PIXELS_PER_TICK);
  #contacts;
  /** What the desktop has; one that does not say so has nothing but a mouse. */
  #devices = { touch: false, pen: false, smoothWheel: false };
  #mask = 0;
  #at = { x: 0, y: 0 };
  /** @type {ReturnType<typeof setInterval> | null} */
  #heartbeat = null;
  /** Buttons that belong to a Ctrl+Shift+click and must not reach the desktop. */
  #swallow = false;

  /** @param {PointerOptions} options */
  constructor(options) {
    this.#options = options;
    const { area } = options;
    const touch = new Touch({
      move: (x, y, mask) => this.#touched(x, y, mask),
      scroll: (dx, dy) => this.#turn(dx, dy, 0),
      bounds: () => this.#box(),
      ...options.touch,
    });
    const contacts = new Contacts({
      send: options.send,
      locate: (x, y) => (this.#locate(x, y), this.#at),
      congested: () => options.buffered() > CONGESTED_BYTES,
    });
    this.#contacts = contacts;
    const isContact = (/** @type {PointerEvent} */ { pointerType }) =>
      (pointerType === 'touch' && this.#devices.touch && options.touch?.mode?.() !== 'trackpad') ||
      (pointerType === 'pen' && this.#devices.pen);

    area.addEventListener('pointerdown', (event) => {
      // A drag that leaves the window still ends here. (A locked pointer cannot leave, nor be captured.)
      if (!this.locked) area.setPointerCapture(event.pointerId);
      options.onPress(event.pointerType);
      if (isContact(event)) return event.pointerType === 'pen' ? contacts.pen(event) : contacts.down(event);
      if (event.pointerType === 'touch') return touch.down(event);
      if (event.ctrlKey && event.shiftKey && event.button === 0 && !this.locked && (options.mayLock?.() ?? true)) {
        this.#swallow = true;
        this.lock();
        return;
      }
      this.#mouse(event);
    });
    area.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'pen' && this.#devices.pen) return contacts.pen(event);
      if (event.pointerType !== 'touch') return this.#mouse(event);
      // Whichever of the two it came down for knows it.
      contacts.move(event);
      touch.move(event);
    });
    area.addEventListener('pointerup', (event) => {
      if (event.pointerType === 'pen' && this.#devices.pen) return contacts.pen(event);
      if (event.pointerType !== 'touch') return this.#mouse(event);
      contacts.up(event);
      touch.up(event);
    });
    area.addEventListener('pointercancel', (event) => {
      if (event.pointerType !== 'touch') return this.release();
      contacts.up(event);
      touch.cancel(event);
    });
    area.addEventListener('pointerleave', (event) => {
      if (event.pointerType === 'pen') contacts.penGone();
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

  /**
   * What the desktop has beside a mouse.
   * @param {'touch' | 'pen' | 'smoothWheel'} device
   * @param {boolean} there
   */
  setDevice(device, there) {
    if (this.#devices[device] === there) return;
    this.release();
    this.#devices[device] = there;
  }

  /** Lets go of all buttons, fingers and pens. */
  release() {
    this.#wheel.reset();
    this.#pinch.reset();
    this.#contacts.release();
    if (this.#mask === 0) return;
    this.#hold(0);
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
    this.#hold(mask);
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
    this.#hold(mask);
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
    // Browsers say Control of a pinch, which no key is held for; programs zoom by the key.
    if (event.ctrlKey && !this.#options.controlDown()) this.#zoom(deltaY, event.deltaMode);
    else this.#turn(deltaX, deltaY, event.deltaMode);
  }

  /**
   * @param {number} delta
   * @param {number} mode
   */
  #zoom(delta, mode) {
    const steps = wheelSteps(this.#pinch.add(0, delta, mode));
    if (steps.length === 0) return;
    this.#options.send(keyDown(Keysym.Control));
    this.#step(steps);
    this.#options.send(keyUp(Keysym.Control));
  }

  /**
   * @param {number} deltaX
   * @param {number} deltaY
   * @param {number} mode
   */
  #turn(deltaX, deltaY, mode) {
    if (!this.#devices.smoothWheel) return this.#step(wheelSteps(this.#wheel.add(deltaX, deltaY, mode)));
    const { x, y } = ticksOf(deltaX, deltaY, mode);
    if (!this.locked) this.#send(0, 0); // where it turns
    for (const message of wheelTurns(x, y)) this.#options.send(message);
  }

  /** @param {{bit: number, magnitude: number}[]} steps */
  #step(steps) {
    for (const { bit, magnitude } of steps) {
      this.#send(0, 0, this.#mask | bit, magnitude);
      this.#send(0, 0, this.#mask & ~bit, 0);
    }
  }

  /** @param {number} mask */
  #hold(mask) {
    this.#mask = mask;
    if (mask !== 0) this.#heartbeat ??= setInterval(() => this.#send(0, 0), HEARTBEAT_MS);
    else if (this.#heartbeat !== null) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
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
    const { box, size } = this.#options;
    const { width, height } = size();
    if (width === 0) return;
    this.#at = toVideo(clientX, clientY, box(), width, height);
  }

  /** Where the desktop is in the page. */
  #box() {
    const { width, height } = this.#options.size();
    return fittedBox(this.#options.box(), width, height);
  }

  /** Desktop pixels per CSS pixel: the pointer moves as far as the hand expects on this screen. */
  #pixelRatio() {
    const { width } = this.#box();
    const desktop = this.#options.size().width;
    return width > 0 && desktop > 0 ? desktop / width : 1;
  }
}
