/**
 * Wheel deltas to whole ticks.
 *
 * A desktop scrolls in clicks of a wheel, a browser in pixels, lines or pages and, on a touchpad, in
 * crumbs of a few pixels. Summing and keeping the remainder turns both into ticks with nothing lost
 * and nothing counted twice.
 */

const PIXELS_PER_TICK = 100;
const LINES_PER_TICK = 3;
/** A page is what a user would call "a good turn of the wheel". */
const TICKS_PER_PAGE = 6;

/** @typedef {{x: number, y: number}} Ticks positive is right and down */

/**
 * Ticks and parts of them.
 * @param {number} deltaX
 * @param {number} deltaY
 * @param {number} [deltaMode] WheelEvent.deltaMode: 0 pixels, 1 lines, 2 pages
 * @param {number} [pixelsPerTick]
 * @returns {Ticks}
 */
export function ticksOf(deltaX, deltaY, deltaMode = 0, pixelsPerTick = PIXELS_PER_TICK) {
  return { x: inTicks(deltaX, deltaMode, pixelsPerTick), y: inTicks(deltaY, deltaMode, pixelsPerTick) };
}

export class WheelAccumulator {
  #pixelsPerTick;
  #x = 0;
  #y = 0;

  /** @param {number} [pixelsPerTick] */
  constructor(pixelsPerTick = PIXELS_PER_TICK) {
    this.#pixelsPerTick = pixelsPerTick;
  }

  /**
   * @param {number} deltaX
   * @param {number} deltaY
   * @param {number} [deltaMode] WheelEvent.deltaMode
   * @returns {Ticks} whole numbers
   */
  add(deltaX, deltaY, deltaMode = 0) {
    const more = ticksOf(deltaX, deltaY, deltaMode, this.#pixelsPerTick);
    this.#x = accumulate(this.#x, more.x);
    this.#y = accumulate(this.#y, more.y);
    const ticks = { x: whole(this.#x), y: whole(this.#y) };
    this.#x -= ticks.x;
    this.#y -= ticks.y;
    return ticks;
  }

  reset() {
    this.#x = 0;
    this.#y = 0;
  }
}

/**
 * @param {number} delta
 * @param {number} mode
 * @param {number} pixelsPerTick
 */
function inTicks(delta, mode, pixelsPerTick) {
  if (!Number.isFinite(delta)) return 0;
  if (mode === 1) return delta / LINES_PER_TICK;
  if (mode === 2) return delta * TICKS_PER_PAGE;
  return delta / pixelsPerTick;
}

/**
 * @param {number} sum
 * @param {number} delta
 */
function accumulate(sum, delta) {
  // What is left from scrolling down must not eat into the first tick of scrolling up.
  return sum * delta < 0 ? delta : sum + delta;
}

/** @param {number} value */
function whole(value) {
  // 1/3 + 1/3 + 1/3 of a tick is a tick, whatever binary fractions think of it.
  const rounded = Math.round(value);
  const ticks = Math.abs(value - rounded) < 1e-6 ? rounded : Math.trunc(value);
  return ticks + 0; // turns -0 into 0
}
