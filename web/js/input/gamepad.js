/**
 * Gamepads to the desktop. Browsers tell when a pad comes and goes, but not what it does: that is looked at once for each
 * frame of the page, while there is a pad and somebody wants to know. What has changed is sent, and each second that the
 * pad is still there, so that a server that hears nothing can let go of everything.
 */

import { MAX_CONTROLS, MAX_PADS, padAlive, padAxis, padButton, padConnected, padDisconnected } from '../core/gamepads.js';
import { Rumbler } from './rumble.js';

const HEARTBEAT_MS = 1000;
/** Sticks that nobody touches are a little off. */
const DEAD_ZONE = 0.05;
const STEPS = 1000;
/** More than this in the send queue means the network is behind: where a stick was is no use then. */
const CONGESTED_BYTES = 16 * 1024;
const TRY_MS = 400;

/**
 * @typedef {object} GamepadOptions
 * @property {(message: string) => void} send
 * @property {() => number} buffered
 * @property {(gamepad: Gamepad | null) => void} [onChange] one came, or one (`null`) has gone
 * @property {EventTarget} [events] tells of pads that come and go
 * @property {() => readonly (Gamepad | null)[]} [pads]
 * @property {(callback: () => void) => number} [requestFrame]
 * @property {(id: number) => void} [cancelFrame]
 *
 * @typedef {object} Pad
 * @property {number} index the browser's number
 * @property {number[]} buttons as they were sent
 * @property {number[]} axes
 */

export class Gamepads {
  #options;
  /** By our own number. @type {(Pad | null)[]} */
  #pads = new Array(MAX_PADS).fill(null);
  /** One that the page draws. @type {Gamepad | null} */
  #drawn = null;
  #active = false;
  /** @type {number | null} */
  #frame = null;
  /** @type {ReturnType<typeof setInterval> | null} */
  #heartbeat = null;
  #rumbler = new Rumbler();

  /** @param {GamepadOptions} options */
  constructor({ send, buffered, onChange, ...world }) {
    this.#options = {
      send,
      buffered,
      onChange: onChange ?? (() => {}),
      // Pages that were not loaded over HTTPS, or from this machine, have no gamepads.
      pads: world.pads ?? (() => navigator.getGamepads?.() ?? []),
      requestFrame: world.requestFrame ?? ((callback) => requestAnimationFrame(callback)),
      cancelFrame: world.cancelFrame ?? ((id) => cancelAnimationFrame(id)),
    };
    const events = world.events ?? window;
    events.addEventListener('gamepadconnected', (event) => this.#connected(/** @type {GamepadEvent} */ (event).gamepad));
    events.addEventListener('gamepaddisconnected', (event) => this.#disconnected(/** @type {GamepadEvent} */ (event).gamepad.index));
  }

  /** Whether there is a desktop to control. One that comes learns of all pads. @param {boolean} active */
  setActive(active) {
    if (active === this.#active) return;
    this.#active = active;
    if (active) this.#pads.forEach((pad, number) => pad && this.#announce(number));
    else this.#rumbler.stopAll();
    this.#run();
  }

  /** A new connection, whose server knows of no pads. @param {boolean} active */
  restart(active) {
    this.setActive(false);
    this.setActive(active);
  }

  /** @returns {Gamepad[]} those that the desktop has too, as they are now */
  list() {
    return this.#pads.flatMap((pad) => this.#find(pad) ?? []);
  }

  /** One more, which is no device of this machine. @param {Gamepad} gamepad */
  attach(gamepad) {
    this.#drawn = gamepad;
    this.#connected(gamepad);
  }

  /** It has gone. @param {number} index */
  detach(index) {
    this.#disconnected(index);
    this.#drawn = null;
  }

  /** Lets go of everything, as in a page that is hidden and looks at no pads. */
  release() {
    if (!this.#active) return;
    this.#pads.forEach((pad, number) => {
      if (!pad) return;
      this.#tell(number, pad, pad.buttons.map(() => 0), pad.axes.map(() => 0));
    });
  }

  /** @param {import('../core/gamepads.js').RumbleMessage} message */
  rumble({ pad, strong, weak, duration }) {
    const gamepad = this.#find(this.#pads[pad]);
    if (gamepad) this.#rumbler.play(gamepad, strong, weak, duration);
  }

  /** Shakes one, for the user to feel that it can. @param {Gamepad} gamepad */
  try(gamepad) {
    this.#rumbler.play(gamepad, 1, 1, TRY_MS);
  }

  /** @param {Gamepad} gamepad */
  #connected(gamepad) {
    const { index } = gamepad;
    if (this.#pads.some((pad) => pad?.index === index)) return;
    const number = this.#pads.indexOf(null);
    if (number < 0) return;
    this.#pads[number] = { index, buttons: [], axes: [] };
    if (this.#active) this.#announce(number);
    this.#run();
    this.#options.onChange(gamepad);
  }

  /** @param {number} index */
  #disconnected(index) {
    const number = this.#pads.findIndex((pad) => pad?.index === index);
    if (number < 0) return;
    this.#pads[number] = null;
    this.#rumbler.forget(index);
    if (this.#active) this.#options.send(padDisconnected(number));
    this.#run();
    this.#options.onChange(null);
  }

  /** @param {number} number */
  #announce(number) {
    const pad = this.#pads[number];
    const gamepad = this.#find(pad);
    if (!pad || !gamepad) return;
    // The desktop's pad is untouched at first; what is held now is sent with the next frame.
    pad.buttons = gamepad.buttons.slice(0, MAX_CONTROLS).map(() => 0);
    pad.axes = gamepad.axes.slice(0, MAX_CONTROLS).map(() => 0);
    this.#options.send(padConnected(number, gamepad.id, gamepad.axes.length, gamepad.buttons.length));
  }

  /** Looks and beats while there is a reason to. */
  #run() {
    const needed = this.#active && this.#pads.some(Boolean);
    if (needed && this.#heartbeat === null) {
      this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
      this.#frame = this.#options.requestFrame(() => this.#look());
    } else if (!needed && this.#heartbeat !== null) {
      clearInterval(this.#heartbeat);
      if (this.#frame !== null) this.#options.cancelFrame(this.#frame);
      this.#heartbeat = this.#frame = null;
    }
  }

  #beat() {
    this.#pads.forEach((pad, number) => pad && this.#options.send(padAlive(number)));
  }

  #look() {
    this.#frame = this.#options.requestFrame(() => this.#look());
    this.#pads.forEach((pad, number) => {
      const gamepad = this.#find(pad);
      if (!pad || !gamepad) return;
      const axes = this.#options.buffered() > CONGESTED_BYTES ? pad.axes : gamepad.axes.map(ofStick);
      this.#tell(number, pad, gamepad.buttons.map(ofButton), axes);
    });
  }

  /**
   * Sends what is not as it was.
   * @param {number} number
   * @param {Pad} pad
   * @param {readonly number[]} buttons
   * @param {readonly number[]} axes
   */
  #tell(number, pad, buttons, axes) {
    pad.buttons.forEach((was, button) => {
      const is = buttons[button] ?? 0;
      if (is === was) return;
      pad.buttons[button] = is;
      this.#options.send(padButton(number, button, is));
    });
    pad.axes.forEach((was, axis) => {
      const is = axes[axis] ?? 0;
      if (is === was) return;
      pad.axes[axis] = is;
      this.#options.send(padAxis(number, axis, is));
    });
  }

  /**
   * @param {Pad | null | undefined} pad
   * @returns {Gamepad | null}
   */
  #find(pad) {
    if (!pad) return null;
    return pad.index === this.#drawn?.index ? this.#drawn : (this.#options.pads()[pad.index] ?? null);
  }
}

/** @param {number} value */
function ofStick(value) {
  return Math.abs(value) < DEAD_ZONE ? 0 : rounded(value);
}

/**
 * Buttons with a way to go say how far; those without have only "pressed".
 * @param {GamepadButton} button
 */
function ofButton({ pressed, value }) {
  return rounded(pressed && value === 0 ? 1 : value);
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * STEPS) / STEPS + 0;
}
