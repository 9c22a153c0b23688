/** The wire of gamepads: messages encoded and decoded. Buttons and axes are numbered as in the standard gamepad. */

/** The most pads that a desktop has. */
export const MAX_PADS = 4;
/** What the server takes of one pad, more than any has. */
export const MAX_CONTROLS = 64;
const MAX_NAME_BYTES = 254;

/**
 * @typedef {{type: 'rumble', pad: number, strong: number, weak: number, duration: number}} RumbleMessage
 *   strong, weak: from 0 to 1; duration: in milliseconds, and until the next of these
 */

/**
 * @param {number} pad
 * @param {string} name
 * @param {number} axes how many
 * @param {number} buttons how many
 */
export function padConnected(pad, name, axes, buttons) {
  let bytes = new TextEncoder().encode(name);
  // The end of a long name need not be a character.
  if (bytes.length > MAX_NAME_BYTES) bytes = new TextEncoder().encode(name.slice(0, MAX_NAME_BYTES / 3));
  return `js,c,${pad},${btoa(String.fromCharCode(...bytes))},${Math.min(axes, MAX_CONTROLS)},${Math.min(buttons, MAX_CONTROLS)}`;
}

/** @param {number} pad */
export const padDisconnected = (pad) => `js,d,${pad}`;
/** That it is still there: a server that hears nothing lets go of everything. @param {number} pad */
export const padAlive = (pad) => `js,h,${pad}`;
/**
 * @param {number} pad
 * @param {number} button
 * @param {number} value from 0 to 1
 */
export const padButton = (pad, button, value) => `js,b,${pad},${button},${value}`;
/**
 * @param {number} pad
 * @param {number} axis
 * @param {number} value from -1 to 1
 */
export const padAxis = (pad, axis, value) => `js,a,${pad},${axis},${value}`;

/**
 * @param {Record<string, unknown>} data
 * @returns {RumbleMessage | null}
 */
export function decodeRumble(data) {
  const { pad, strong, weak, duration } = data;
  if (!isWithin(pad, MAX_PADS - 1) || !Number.isInteger(pad)) return null;
  if (!isWithin(strong, 1) || !isWithin(weak, 1) || !isWithin(duration, 1e6)) return null;
  return { type: 'rumble', pad, strong, weak, duration };
}

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {value is number}
 */
function isWithin(value, most) {
  return typeof value === 'number' && value >= 0 && value <= most;
}
