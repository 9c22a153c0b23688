/** What this browser remembers of its user's choices. Each has a default, and a check for what is read back. */

const PREFIX = 'egldesktop.';

/** Parts of the panel. */
const SECTIONS = /** @type {const} */ (['viewers', 'files', 'keys', 'clipboard', 'gamepads', 'settings', 'performance']);

/** @typedef {typeof SECTIONS[number]} SectionName */

/**
 * @typedef {object} Preferences
 * @property {string} language a BCP 47 tag; empty for the browser's own
 * @property {'fit' | 'exact'} scaling as large as the window, or never larger than pixel for pixel
 * @property {string} resolution `auto` for that of the window, or `1920x1080`
 * @property {'direct' | 'trackpad'} touch
 * @property {'auto' | 'webrtc' | 'websocket'} transport how picture and sound travel
 * @property {SectionName[]} folded parts of the panel that are folded up
 * @property {boolean} commandIsControl on a Mac: Command is the desktop's Ctrl
 */

/** @type {Readonly<{[K in keyof Preferences]: {initial: Preferences[K], is: (value: unknown) => boolean}}>} */
const KNOWN = Object.freeze({
  language: { initial: '', is: (value) => typeof value === 'string' && /^[a-z]{0,3}$/.test(value) },
  scaling: { initial: 'fit', is: (value) => value === 'fit' || value === 'exact' },
  resolution: { initial: 'auto', is: (value) => value === 'auto' || (typeof value === 'string' && /^\d{2,5}x\d{2,5}$/.test(value)) },
  touch: { initial: 'direct', is: (value) => value === 'direct' || value === 'trackpad' },
  transport: { initial: 'auto', is: (value) => value === 'auto' || value === 'webrtc' || value === 'websocket' },
  folded: { initial: [], is: (value) => Array.isArray(value) && value.every((name) => SECTIONS.includes(name)) },
  commandIsControl: { initial: false, is: (value) => typeof value === 'boolean' },
});

/**
 * @template {keyof Preferences} K
 * @param {K} name
 * @param {Pick<Storage, 'getItem'>} [storage]
 * @returns {Preferences[K]}
 */
export function preference(name, storage) {
  const { initial, is } = KNOWN[name];
  try {
    const stored = JSON.parse((storage ?? localStorage).getItem(PREFIX + name) ?? 'null');
    return is(stored) ? stored : initial;
  } catch {
    return initial; // nothing of ours, or a private window that refuses
  }
}

/**
 * @template {keyof Preferences} K
 * @param {K} name
 * @param {Preferences[K]} value
 * @param {Pick<Storage, 'setItem'>} [storage]
 */
export function remember(name, value, storage) {
  try {
    (storage ?? localStorage).setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Private windows may refuse to remember; then they do not.
  }
}
