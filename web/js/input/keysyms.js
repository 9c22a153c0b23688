/**
 * Browser key events to X11 keysyms.
 *
 * The keysym (what the user meant) travels rather than the scan code (which key it was), so that the
 * desktop types the right character whatever layouts the two machines have.
 */

/** Keysyms that other modules name. */
export const Keysym = Object.freeze({
  BackSpace: 0xff08,
  Tab: 0xff09,
  Return: 0xff0d,
  Escape: 0xff1b,
  Delete: 0xffff,
  Home: 0xff50,
  Left: 0xff51,
  Up: 0xff52,
  Right: 0xff53,
  Down: 0xff54,
  End: 0xff57,
  Print: 0xff61,
  F4: 0xffc1,
  Shift: 0xffe1,
  Control: 0xffe3,
  ControlRight: 0xffe4,
  CapsLock: 0xffe5,
  NumLock: 0xff7f,
  Alt: 0xffe9,
  AltRight: 0xffea,
  Super: 0xffeb,
  Level3Shift: 0xfe03,
});

/** @type {Readonly<Record<string, number>>} */
const NAMED = Object.freeze({
  Backspace: 0xff08, Tab: 0xff09, Clear: 0xff0b, Enter: 0xff0d, Pause: 0xff13, ScrollLock: 0xff14,
  Escape: 0xff1b, Delete: 0xffff, Insert: 0xff63, Home: 0xff50, ArrowLeft: 0xff51, ArrowUp: 0xff52,
  ArrowRight: 0xff53, ArrowDown: 0xff54, PageUp: 0xff55, PageDown: 0xff56, End: 0xff57,
  Select: 0xff60, PrintScreen: 0xff61, Execute: 0xff62, Undo: 0xff65, Redo: 0xff66,
  ContextMenu: 0xff67, Find: 0xff68, Cancel: 0xff69, Help: 0xff6a, NumLock: 0xff7f,
  CapsLock: 0xffe5, AltGraph: 0xfe03, Compose: 0xff20, ModeChange: 0xff7e,
  // Japanese and Korean keyboards, when no input method takes the key first.
  KanjiMode: 0xff21, NonConvert: 0xff22, Convert: 0xff23, Romaji: 0xff24, Hiragana: 0xff25,
  Katakana: 0xff26, HiraganaKatakana: 0xff27, Zenkaku: 0xff28, Hankaku: 0xff29,
  ZenkakuHankaku: 0xff2a, KanaMode: 0xff2d, Eisu: 0xff2f, Alphanumeric: 0xff30,
  CodeInput: 0xff37, SingleCandidate: 0xff3c, AllCandidates: 0xff3d, PreviousCandidate: 0xff3e,
  HangulMode: 0xff31, HanjaMode: 0xff34, GroupNext: 0xfe08, GroupPrevious: 0xfe0a,
  GroupFirst: 0xfe0c, GroupLast: 0xfe0e,
  // Media and system keys (XF86…).
  BrightnessUp: 0x1008ff02, BrightnessDown: 0x1008ff03, Standby: 0x1008ff10,
  AudioVolumeDown: 0x1008ff11, AudioVolumeMute: 0x1008ff12, AudioVolumeUp: 0x1008ff13,
  MediaPlayPause: 0x1008ff14, MediaPlay: 0x1008ff14, MediaStop: 0x1008ff15,
  MediaTrackPrevious: 0x1008ff16, MediaTrackNext: 0x1008ff17, BrowserHome: 0x1008ff18,
  LaunchMail: 0x1008ff19, BrowserSearch: 0x1008ff1b, MediaRecord: 0x1008ff1c,
  LaunchApplication2: 0x1008ff1d, LaunchCalculator: 0x1008ff1d, BrowserBack: 0x1008ff26,
  BrowserForward: 0x1008ff27, BrowserStop: 0x1008ff28, BrowserRefresh: 0x1008ff29,
  PowerOff: 0x1008ff2a, WakeUp: 0x1008ff2b, Eject: 0x1008ff2c, BrowserFavorites: 0x1008ff30,
  MediaPause: 0x1008ff31, LaunchMediaPlayer: 0x1008ff32, LaunchApplication1: 0x1008ff33,
  LaunchMyComputer: 0x1008ff33, MediaRewind: 0x1008ff3e, MediaFastForward: 0x1008ff97,
  MicrophoneVolumeMute: 0x1008ffb2,
});

/**
 * Modifiers as [left, right]. `Meta` is the Windows or Command key, which X calls Super.
 * @type {Readonly<Record<string, readonly [number, number]>>}
 */
const MODIFIERS = Object.freeze({
  Shift: [0xffe1, 0xffe2],
  Control: [0xffe3, 0xffe4],
  Alt: [0xffe9, 0xffea],
  Meta: [0xffeb, 0xffec],
  OS: [0xffeb, 0xffec],
  Super: [0xffeb, 0xffec],
  Hyper: [0xffed, 0xffee],
});

/**
 * The numeric pad has keysyms of its own: applications tell KP_Enter from Return.
 * @type {Readonly<Record<string, number>>}
 */
const NUMPAD = Object.freeze({
  Enter: 0xff8d, Home: 0xff95, ArrowLeft: 0xff96, ArrowUp: 0xff97, ArrowRight: 0xff98,
  ArrowDown: 0xff99, PageUp: 0xff9a, PageDown: 0xff9b, End: 0xff9c, Clear: 0xff9d, Insert: 0xff9e,
  Delete: 0xff9f, '*': 0xffaa, '+': 0xffab, '-': 0xffad, '.': 0xffae, '/': 0xffaf, '=': 0xffbd,
});

/** KeyboardEvent.DOM_KEY_LOCATION_*; named here because Node has no KeyboardEvent. */
const LOCATION_RIGHT = 2;
const LOCATION_NUMPAD = 3;

/**
 * @param {string} char exactly one code point
 * @returns {number} its keysym
 */
export function keysymOfChar(char) {
  const code = /** @type {number} */ (char.codePointAt(0));
  if (code === 0x0a || code === 0x0d) return Keysym.Return;
  if (code === 0x09) return Keysym.Tab;
  const latin1 = (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff);
  return latin1 ? code : 0x01000000 | code;
}

/**
 * @param {{key: string, code?: string, location?: number}} event
 * @returns {number | null} the keysym, or null for a key that only the browser can make sense of
 *   (dead keys, input methods, keys nobody named)
 */
export function keysymOf(event) {
  const { key, location = 0 } = event;
  if (!key) return null;
  if (location === LOCATION_NUMPAD) {
    const pad = numpadKeysym(key, event.code);
    if (pad !== null) return pad;
  }
  // By code points: an emoji is one character but two UTF-16 units.
  if ([...key].length === 1) return isControl(key) ? null : keysymOfChar(key);
  const modifier = Object.hasOwn(MODIFIERS, key) ? MODIFIERS[key] : undefined;
  if (modifier) return modifier[location === LOCATION_RIGHT ? 1 : 0];
  const f = /^F([1-9]|1\d|2[0-4])$/.exec(key);
  if (f) return 0xffbd + Number(f[1]);
  return Object.hasOwn(NAMED, key) ? NAMED[key] : null;
}

/**
 * @param {{key: string, ctrlKey: boolean, shiftKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @param {boolean} [mac]
 * @returns {boolean} whether the key pastes, here and on most desktops
 */
export function isPaste({ key, ctrlKey, shiftKey, altKey, metaKey }, mac = false) {
  if (altKey) return false;
  if (key === 'v' || key === 'V') return ctrlKey !== metaKey && (mac || ctrlKey);
  return key === 'Insert' && shiftKey && !ctrlKey && !metaKey;
}

/**
 * @param {number} keysym
 * @returns {boolean} whether it is Shift, Control, Alt, Super, AltGr and the like
 */
export function isModifier(keysym) {
  return (keysym >= 0xffe1 && keysym <= 0xffee) || keysym === Keysym.Level3Shift;
}

/**
 * @param {string} key
 * @param {string | undefined} code
 * @returns {number | null}
 */
function numpadKeysym(key, code) {
  // The decimal key types a comma on many layouts; KP_Separator is that comma.
  if (key === ',') return code === 'NumpadDecimal' ? 0xffac : 0x2c;
  if (/^[0-9]$/.test(key)) return 0xffb0 + Number(key);
  return Object.hasOwn(NUMPAD, key) ? NUMPAD[key] : null;
}

/** @param {string} char */
function isControl(char) {
  const code = char.charCodeAt(0);
  return code < 0x20 || code === 0x7f;
}
