/**
 * Fingers to mouse. With one finger, where it is (`direct`): a tap clicks, a drag drags. Or as on a trackpad: a drag
 * moves the pointer, a tap clicks where the pointer is, and a drag right after a tap drags. Either way a long press or
 * two fingers tapping are a right click, two fingers scroll or, when they spread, enlarge the picture, and three
 * fingers tapping ask for the keyboard.
 *
 * The button is not pressed until it is clear what the fingers are up to; a second finger a moment
 * later would otherwise click on whatever is under the first.
 */

const DRAG_PIXELS = 8;
/** The distance of two fingers has to change by this before they mean the size. */
const PINCH_PIXELS = 28;
const LONG_PRESS_MS = 550;
/** A finger that comes down again this soon after a tap drags. */
const TAP_DRAG_MS = 250;
/** A finger's width moves the page about as far as it would on the phone itself. */
const SCROLL_GAIN = 2.5;
const TRACKPAD_GAIN = 1.6;
const LEFT = 1;
const RIGHT = 4;

/**
 * @typedef {{pointerId: number, clientX: number, clientY: number}} Finger
 * @typedef {{x: number, y: number}} Point
 */

/**
 * @typedef {object} TouchOptions
 * @property {(clientX: number, clientY: number, mask: number) => void} move
 * @property {(deltaX: number, deltaY: number) => void} scroll in pixels, as a wheel would
 * @property {(factor: number, centre: Point, moved: Point) => void} [zoom] the picture grows around a point that moves
 * @property {() => void} [keyboard]
 * @property {() => 'direct' | 'trackpad'} [mode]
 * @property {() => {left: number, top: number, width: number, height: number}} [bounds] of the picture
 * @property {() => number} [now] milliseconds
 * @property {(callback: () => void, milliseconds: number) => any} [setTimeout]
 * @property {(id: any) => void} [clearTimeout]
 */

export class Touch {
  #options;
  /** @type {Map<number, Point>} */
  #fingers = new Map();
  /** @type {'idle' | 'pending' | 'drag' | 'glide' | 'two' | 'scroll' | 'pinch' | 'three' | 'done'} */
  #mode = 'idle';
  #start = { x: 0, y: 0 };
  /** Two fingers when they came down. */
  #pair = { distance: 0, x: 0, y: 0 };
  /** Which of them have moved since. @type {Set<number>} */
  #moved = new Set();
  /** Where the pointer is, as a trackpad moves it. @type {Point | null} */
  #pointer = null;
  #tapped = -Infinity;
  /** @type {any} */
  #timer;

  /** @param {TouchOptions} options */
  constructor(options) {
    this.#options = {
      mode: () => /** @type {const} */ ('direct'),
      zoom: () => {},
      keyboard: () => {},
      bounds: () => ({ left: 0, top: 0, width: Infinity, height: Infinity }),
      now: () => performance.now(),
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
      const interrupted = this.#mode === 'drag' || this.#mode === 'glide';
      if (this.#mode === 'drag') this.#press(this.#place(clientX, clientY), 0);
      if (this.#fingers.size > 2 && this.#mode === 'two') this.#mode = 'three';
      else if (this.#mode !== 'done' && this.#mode !== 'scroll') this.#mode = interrupted ? 'scroll' : 'two';
      this.#pair = this.#measure();
      this.#moved.clear();
      return;
    }
    this.#mode = 'pending';
    this.#start = { x: clientX, y: clientY };
    if (this.#isTrackpad) {
      if (this.#options.now() - this.#tapped < TAP_DRAG_MS) {
        this.#mode = 'drag';
        this.#press(this.#at(), LEFT);
      }
    } else {
      this.#press(this.#start, 0);
    }
    this.#timer = this.#options.setTimeout(() => {
      if (this.#mode !== 'pending') return;
      this.#click(this.#place(this.#start.x, this.#start.y), RIGHT);
      this.#mode = 'done';
    }, LONG_PRESS_MS);
  }

  /** @param {Finger} finger */
  move({ pointerId, clientX, clientY }) {
    const before = this.#fingers.get(pointerId);
    if (!before) return;
    const pairBefore = this.#measure();
    this.#fingers.set(pointerId, { x: clientX, y: clientY });
    this.#moved.add(pointerId);
    if (this.#mode === 'two' || this.#mode === 'scroll' || this.#mode === 'pinch') return this.#moveTwo(before, { x: clientX, y: clientY }, pairBefore);
    if (this.#mode === 'pending') {
      if (Math.hypot(clientX - this.#start.x, clientY - this.#start.y) < DRAG_PIXELS) return;
      this.#stopWaiting();
      if (this.#isTrackpad) {
        this.#mode = 'glide';
      } else {
        this.#mode = 'drag';
        this.#press(this.#start, LEFT); // what was touched is what is dragged
      }
    }
    if (this.#mode !== 'drag' && this.#mode !== 'glide') return;
    const mask = this.#mode === 'drag' ? LEFT : 0;
    if (this.#isTrackpad) this.#press(this.#glide(clientX - before.x, clientY - before.y), mask);
    else this.#press({ x: clientX, y: clientY }, mask);
  }

  /** @param {Finger} finger */
  up({ pointerId, clientX, clientY }) {
    if (!this.#fingers.delete(pointerId)) return;
    if (this.#mode === 'pending') {
      this.#click(this.#place(this.#start.x, this.#start.y), LEFT);
      this.#tapped = this.#options.now();
    } else if (this.#mode === 'drag') {
      this.#press(this.#place(clientX, clientY), 0);
    } else if (this.#mode === 'two') {
      this.#click(this.#place(this.#pair.x, this.#pair.y), RIGHT);
    } else if (this.#mode === 'three') {
      this.#options.keyboard();
    }
    this.#settle();
  }

  /** The system took the gesture away. @param {Finger} finger */
  cancel({ pointerId, clientX, clientY }) {
    if (!this.#fingers.delete(pointerId)) return;
    if (this.#mode === 'drag') this.#press(this.#place(clientX, clientY), 0);
    this.#settle();
  }

  get #isTrackpad() {
    return this.#options.mode() === 'trackpad';
  }

  /**
   * @param {Point} before of the finger that moved
   * @param {Point} now
   * @param {{distance: number, x: number, y: number}} pair both, before
   */
  #moveTwo(before, now, pair) {
    const after = this.#measure();
    if (this.#mode === 'two') {
      const spread = Math.abs(after.distance - this.#pair.distance);
      const shift = Math.hypot(after.x - this.#pair.x, after.y - this.#pair.y);
      // Each finger reports for itself: one that is ahead of the other looks like both.
      if (this.#moved.size > 1 || spread > 2 * PINCH_PIXELS) {
        if (spread > PINCH_PIXELS && spread > shift) this.#mode = 'pinch';
        else if (shift > DRAG_PIXELS && shift > spread) this.#mode = 'scroll';
      }
    }
    if (this.#mode === 'scroll') {
      // Each finger reports for itself: shares of the movement, so that two do not scroll twice.
      const share = SCROLL_GAIN / this.#fingers.size;
      this.#options.scroll((before.x - now.x) * share, (before.y - now.y) * share);
    } else if (this.#mode === 'pinch' && pair.distance > 0) {
      this.#options.zoom(after.distance / pair.distance, after, { x: after.x - pair.x, y: after.y - pair.y });
    }
  }

  /** How far the first two fingers are apart, and what is between them. */
  #measure() {
    const [a, b = a] = this.#fingers.values();
    return { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  }

  /**
   * Where a press at this place goes: a trackpad has a pointer of its own.
   * @param {number} x
   * @param {number} y
   */
  #place(x, y) {
    return this.#isTrackpad ? this.#at() : { x, y };
  }

  /** @returns {Point} */
  #at() {
    const { left, top, width, height } = this.#options.bounds();
    this.#pointer ??= { x: left + width / 2, y: top + height / 2 };
    return this.#pointer;
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  #glide(dx, dy) {
    const { left, top, width, height } = this.#options.bounds();
    const { x, y } = this.#at();
    this.#pointer = {
      x: Math.min(left + width, Math.max(left, x + dx * TRACKPAD_GAIN)),
      y: Math.min(top + height, Math.max(top, y + dy * TRACKPAD_GAIN)),
    };
    return this.#pointer;
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
   * @param {Point} point
   * @param {number} mask
   */
  #press({ x, y }, mask) {
    this.#options.move(x, y, mask);
  }

  /**
   * @param {Point} point
   * @param {number} mask
   */
  #click(point, mask) {
    this.#press(point, mask);
    this.#press(point, 0);
  }
}
