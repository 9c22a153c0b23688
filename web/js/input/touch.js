/**
 * Fingers to mouse: a tap clicks, a drag drags, two fingers scroll, a long press is a right click.
 *
 * The button is not pressed until it is clear what the fingers are up to; a second finger a moment
 * later would otherwise click on whatever is under the first.
 */

const DRAG_PIXELS = 8;
const LONG_PRESS_MS = 550;
/** A finger's width moves the page about as far as it would on the phone itself. */
const SCROLL_GAIN = 2.5;
const LEFT = 1;
const RIGHT = 4;

/** @typedef {{pointerId: number, clientX: number, clientY: number}} Finger */

/**
 * @typedef {object} TouchOptions
 * @property {(clientX: number, clientY: number, mask: number) => void} move
 * @property {(deltaX: number, deltaY: number) => void} scroll in pixels, as a wheel would
 * @property {(callback: () => void, milliseconds: number) => any} [setTimeout]
 * @property {(id: any) => void} [clearTimeout]
 */

export class Touch {
  #options;
  /** @type {Map<number, {x: number, y: number}>} */
  #fingers = new Map();
  /** @type {'idle' | 'pending' | 'drag' | 'scroll' | 'done'} */
  #mode = 'idle';
  #start = { x: 0, y: 0 };
  /** @type {any} */
  #timer;

  /** @param {TouchOptions} options */
  constructor(options) {
    this.#options = {
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) => globalThis.setTimeout(callback, ms),
      clearTimeout: (/** @type {any} */ id) => globalThis.clearTimeout(id),
      ...options,
    };
  }

  /** @param {Finger} finger */
  down({ pointerId, clientX, clientY }) {
    this.#fingers.set(pointerId, { x: clientX, y: clientY });
    if (this.#fingers.size > 1) {
      this.#stopWaiting();
      if (this.#mode === 'drag') this.#options.move(clientX, clientY, 0);
      if (this.#mode !== 'done') this.#mode = 'scroll';
      return;
    }
    this.#mode = 'pending';
    this.#start = { x: clientX, y: clientY };
    this.#options.move(clientX, clientY, 0);
    this.#timer = this.#options.setTimeout(() => {
      this.#click(this.#start.x, this.#start.y, RIGHT);
      this.#mode = 'done';
    }, LONG_PRESS_MS);
  }

  /** @param {Finger} finger */
  move({ pointerId, clientX, clientY }) {
    const before = this.#fingers.get(pointerId);
    if (!before) return;
    this.#fingers.set(pointerId, { x: clientX, y: clientY });
    if (this.#mode === 'scroll') {
      // Each finger reports for itself: shares of the movement, so that two do not scroll twice.
      const share = SCROLL_GAIN / this.#fingers.size;
      this.#options.scroll((before.x - clientX) * share, (before.y - clientY) * share);
    } else if (this.#mode === 'pending') {
      if (Math.hypot(clientX - this.#start.x, clientY - this.#start.y) < DRAG_PIXELS) return;
      this.#stopWaiting();
      this.#mode = 'drag';
      this.#options.move(this.#start.x, this.#start.y, LEFT); // what was touched is what is dragged
      this.#options.move(clientX, clientY, LEFT);
    } else if (this.#mode === 'drag') {
      this.#options.move(clientX, clientY, LEFT);
    }
  }

  /** @param {Finger} finger */
  up({ pointerId, clientX, clientY }) {
    if (!this.#fingers.delete(pointerId)) return;
    if (this.#mode === 'pending') this.#click(this.#start.x, this.#start.y, LEFT);
    else if (this.#mode === 'drag') this.#options.move(clientX, clientY, 0);
    this.#settle();
  }

  /** The system took the gesture away. @param {Finger} finger */
  cancel({ pointerId, clientX, clientY }) {
    if (!this.#fingers.delete(pointerId)) return;
    if (this.#mode === 'drag') this.#options.move(clientX, clientY, 0);
    this.#settle();
  }

  #settle() {
    this.#stopWaiting();
    // The finger that stays behind after scrolling must not start to drag.
    this.#mode = this.#fingers.size === 0 ? 'idle' : this.#mode === 'scroll' ? 'scroll' : 'done';
  }

  #stopWaiting() {
    this.#options.clearTimeout(this.#timer);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} mask
   */
  #click(x, y, mask) {
    this.#options.move(x, y, mask);
    this.#options.move(x, y, 0);
  }
}
