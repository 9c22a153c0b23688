/** A gamepad that is drawn on a touch screen, in the shape of a browser's own. Pure, but for the shaking of the phone. */

const STANDARD_BUTTONS = 17;
/** The cross, as the standard gamepad numbers it. */
const CROSS = Object.freeze({ up: 12, down: 13, left: 14, right: 15 });
/** How far off the middle of the cross a thumb has to be, of its radius. */
const CROSS_MIDDLE = 0.35;

/**
 * Where a stick is, for a thumb that is this far off its middle.
 * @param {number} dx
 * @param {number} dy
 * @param {number} radius how far it goes
 * @returns {{x: number, y: number}} from -1 to 1, and no farther than 1 from the middle
 */
export function stickOf(dx, dy, radius) {
  const distance = Math.hypot(dx, dy);
  const reach = Math.max(distance, radius) || 1;
  return { x: dx / reach, y: dy / reach };
}

/**
 * What a thumb presses on the cross: one direction, or two between them.
 * @param {{x: number, y: number}} thumb as of {@link stickOf}
 * @returns {number[]} buttons
 */
export function crossOf({ x, y }) {
  const pressed = [];
  if (x < -CROSS_MIDDLE) pressed.push(CROSS.left);
  if (x > CROSS_MIDDLE) pressed.push(CROSS.right);
  if (y < -CROSS_MIDDLE) pressed.push(CROSS.up);
  if (y > CROSS_MIDDLE) pressed.push(CROSS.down);
  return pressed;
}

export class DrawnGamepad {
  /** Browsers number theirs from 0, and have four. */
  index = 100;
  mapping = /** @type {const} */ ('standard');
  buttons = Array.from({ length: STANDARD_BUTTONS }, () => ({ pressed: false, value: 0, touched: false }));
  axes = [0, 0, 0, 0];
  vibrationActuator;
  id;

  /**
   * @param {string} id its name
   * @param {((milliseconds: number) => void) | null} shake where the phone can
   */
  constructor(id, shake) {
    this.id = id;
    this.vibrationActuator = shake && {
      playEffect: async (/** @type {string} */ _, /** @type {{duration: number}} */ { duration }) => shake(duration),
      reset: async () => shake(0),
    };
  }

  /**
   * @param {number} button
   * @param {boolean} down
   */
  press(button, down) {
    this.buttons[button] = { pressed: down, value: Number(down), touched: down };
  }

  /** @param {{x: number, y: number}} thumb */
  cross(thumb) {
    const pressed = crossOf(thumb);
    for (const button of Object.values(CROSS)) this.press(button, pressed.includes(button));
  }

  /**
   * @param {0 | 1} stick left or right
   * @param {{x: number, y: number}} thumb
   */
  tilt(stick, { x, y }) {
    this.axes[2 * stick] = x;
    this.axes[2 * stick + 1] = y;
  }

  /** Nobody touches it. */
  release() {
    this.buttons.forEach((_, button) => this.press(button, false));
    this.axes.fill(0);
  }
}
