/**
 * Keys and text to the desktop.
 *
 * The target is a textarea nobody sees: input methods and on-screen keyboards only talk to something
 * editable. A key we can name is sent as such and withheld from the browser; whatever is left (input
 * methods, dead keys, emoji pickers, predictive keyboards) ends as text in the textarea and is sent
 * as text.
 */

import { commitText, keyDown, keyReset, keyUp, keysHeld, lockStates } from '../core/protocol.js';
import { Keysym, isModifier, isPaste, keysymOf, keysymOfChar } from './keysyms.js';

const HEARTBEAT_MS = 1000;
/** Windows presses a Control that nobody touched right before AltGr. */
const FAKE_CONTROL_MS = 50;
/** Predictive keyboards send "delete backward" only if there is something to delete. */
const FILLER = '\u200b';

/**
 * @typedef {object} KeyboardOptions
 * @property {HTMLTextAreaElement} target
 * @property {(message: string) => void} send
 * @property {(event: KeyboardEvent) => boolean} hotkey true if the client itself took the key
 * @property {() => void} [onReset] all keys were released
 * @property {() => boolean} [pasteKey] a key that pastes was pressed; true if the browser has to see it too
 * @property {() => void} [onTyped] a key or a text went to the desktop, other than a modifier
 * @property {boolean} [mac]
 * @property {() => boolean} [commandIsControl] on a Mac: Command is the desktop's Ctrl
 */

export class Keyboard {
  #options;
  /** What is down, by physical key, as it was sent: the release must name the same keysym even if
   * Shift changed what the key means in between.
   * @type {Map<string, number>} */
  #held = new Map();
  #composing = false;
  #controlTime = -Infinity;
  /** What the server was told about Caps Lock and Num Lock. */
  #locks = '';
  /** @type {ReturnType<typeof setInterval> | null} */
  #heartbeat = null;

  /** @param {KeyboardOptions} options */
  constructor(options) {
    this.#options = options;
    const { target } = options;
    target.value = FILLER;
    target.addEventListener('keydown', (event) => this.#down(event));
    target.addEventListener('keyup', (event) => this.#up(event));
    target.addEventListener('compositionstart', () => {
      this.#composing = true;
    });
    target.addEventListener('compositionend', (event) => {
      this.#composing = false;
      this.type(event.data);
      this.#refill();
    });
    target.addEventListener('input', (event) => this.#input(/** @type {InputEvent} */ (event)));
    // Keys let go elsewhere are never reported here; a desktop with Ctrl stuck is the worst guest.
    target.addEventListener('blur', () => this.reset());
    target.addEventListener('focus', () => this.reset());
  }

  /** Types text as one piece. @param {string} text */
  type(text) {
    const keysym = [...text].length === 1 && this.#isButtonHeld() ? keysymOfChar(text) : null;
    // On-screen keyboards send text, but a "c" after a button for Ctrl is meant as a key.
    if (keysym !== null) this.tap(keysym);
    else for (const message of commitText(text)) this.#options.send(message);
    this.#options.onTyped?.();
  }

  /** Presses the keys in order and lets go in reverse. @param {number[]} keysyms */
  tap(...keysyms) {
    for (const keysym of keysyms) this.#options.send(keyDown(keysym));
    for (const keysym of keysyms.reverse()) this.#options.send(keyUp(keysym));
  }

  /**
   * Holds a key down, or lets it go, on behalf of a button on the screen.
   * @param {number} keysym
   * @param {boolean} down
   */
  hold(keysym, down) {
    if (down) this.#press(`button:${keysym}`, keysym);
    else this.#release(`button:${keysym}`);
  }

  /** Whether one of the Control keys is down. */
  get control() {
    return [...this.#held.values()].some((keysym) => keysym === Keysym.Control || keysym === Keysym.ControlRight);
  }

  /** Releases everything, here and on the server. */
  reset() {
    this.#held.clear();
    this.#controlTime = -Infinity;
    this.#locks = '';
    this.#beat();
    this.#options.send(keyReset());
    this.#options.onReset?.();
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    if (this.#isForInputMethod(event)) return;
    if (this.#options.hotkey(event)) {
      event.preventDefault();
      return;
    }
    const keysym = this.#keysymOf(event);
    if (keysym === null) return; // the browser composes it and we get text
    const shared = !event.repeat && isPaste(event, this.#options.mac) && this.#options.pasteKey?.();
    if (!shared) event.preventDefault();
    if (event.repeat) return; // the X server repeats by itself
    this.#tellLocks(event, keysym);

    if (keysym === Keysym.Level3Shift && event.timeStamp - this.#controlTime < FAKE_CONTROL_MS) {
      this.#release('ControlLeft');
    }
    if (event.code === 'ControlLeft') this.#controlTime = event.timeStamp;

    if (this.#options.mac) {
      if (keysym === Keysym.CapsLock) return this.tap(keysym); // one event per toggle, down or up
      // Option has done its work when it made "@" out of "l": Alt+@ would be something else.
      if (event.altKey && [...event.key].length === 1) this.#releaseAlt();
    }
    // Without a code there is nothing to pair the release with (synthetic events, some phones).
    this.#press(event.code || `key:${event.key}`, keysym);
    if (!isModifier(keysym)) this.#options.onTyped?.();
  }

  /**
   * Keys mean what the local locks make of them, so the desktop's have to be the same.
   * @param {KeyboardEvent} event
   * @param {number} keysym
   */
  #tellLocks(event, keysym) {
    // Browsers disagree on whether the event of a lock itself comes before or after it.
    if (keysym === Keysym.CapsLock || keysym === Keysym.NumLock || !event.getModifierState) return;
    // Keypads of a Mac always type digits.
    const num = this.#options.mac || event.getModifierState('NumLock');
    const locks = lockStates(event.getModifierState('CapsLock'), num);
    if (locks === this.#locks) return;
    this.#locks = locks;
    this.#options.send(locks);
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    if (event.key === 'Unidentified') return;
    event.preventDefault();
    const keysym = this.#keysymOf(event);
    if (this.#options.mac) {
      if (keysym === Keysym.CapsLock) return this.tap(keysym);
      // macOS swallows the release of every key let go while Command is down.
      if (event.key === 'Meta') this.#releaseAll((held) => !isModifier(held));
    }
    const id = event.code || `key:${event.key}`;
    if (this.#held.has(id)) this.#release(id);
    else if (!event.code && keysym !== null) this.#releaseKeysym(keysym);
  }

  /** @param {InputEvent} event */
  #input(event) {
    if (event.isComposing || this.#composing) return;
    switch (event.inputType) {
      case 'insertText':
        this.type(event.data ?? '');
        break;
      case 'insertLineBreak':
      case 'insertParagraph':
        this.tap(Keysym.Return);
        break;
      case 'deleteContentBackward':
        this.tap(Keysym.BackSpace);
        break;
      case 'deleteWordBackward':
        this.tap(Keysym.Control, Keysym.BackSpace);
        break;
      case 'deleteContentForward':
        this.tap(Keysym.Delete);
        break;
      default:
        // insertCompositionText and its relatives: compositionend has the text.
        break;
    }
    this.#refill();
  }

  #refill() {
    const { target } = this.#options;
    target.value = FILLER;
    target.setSelectionRange(FILLER.length, FILLER.length);
  }

  /** @param {KeyboardEvent} event */
  #isForInputMethod(event) {
    // 229 is how Safari marks the key that ended a composition, after it ended.
    return this.#composing || event.isComposing || event.key === 'Process' || event.keyCode === 229;
  }

  /**
   * @param {string} id
   * @param {number} keysym
   */
  #press(id, keysym) {
    const before = this.#held.get(id);
    if (before !== undefined && before !== keysym) this.#release(id);
    this.#held.set(id, keysym);
    this.#options.send(keyDown(keysym));
    this.#beat();
  }

  /** @param {string} id */
  #release(id) {
    const keysym = this.#held.get(id);
    if (keysym === undefined) return;
    this.#held.delete(id);
    this.#options.send(keyUp(keysym));
    this.#beat();
  }

  /** @param {number} keysym */
  #releaseKeysym(keysym) {
    this.#releaseAll((held) => held === keysym);
  }

  /** @param {KeyboardEvent} event */
  #keysymOf(event) {
    const keysym = keysymOf(event);
    const command = event.key === 'Meta' && this.#options.mac && this.#options.commandIsControl?.();
    return command ? (event.code === 'MetaRight' ? Keysym.ControlRight : Keysym.Control) : keysym;
  }

  /** Whether a button on the screen holds a key. */
  #isButtonHeld() {
    return [...this.#held.keys()].some((id) => id.startsWith('button:'));
  }

  #releaseAlt() {
    this.#releaseAll((held) => held === Keysym.Alt || held === Keysym.AltRight);
  }

  /** @param {(keysym: number) => boolean} matches */
  #releaseAll(matches) {
    for (const [id, keysym] of [...this.#held]) if (matches(keysym)) this.#release(id);
  }

  /** Tells the server each second what is really down, so that a lost release heals itself. */
  #beat() {
    const wanted = this.#held.size > 0;
    if (wanted && this.#heartbeat === null) {
      this.#heartbeat = setInterval(() => {
        this.#options.send(keysHeld(new Set(this.#held.values())));
      }, HEARTBEAT_MS);
    } else if (!wanted && this.#heartbeat !== null) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
    }
  }
}
