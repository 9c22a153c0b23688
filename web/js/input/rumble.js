/** Makes gamepads rumble for as long as the desktop wants: browsers play one effect for five seconds at most. */

const LONGEST_MS = 5000;

export class Rumbler {
  /** The rest of effects that are longer, by the browser's number of the pad. @type {Map<number, {gamepad: Gamepad, timer: any}>} */
  #playing = new Map();

  /**
   * @param {Gamepad} gamepad
   * @param {number} strong from 0 to 1
   * @param {number} weak from 0 to 1
   * @param {number} duration in milliseconds
   */
  play(gamepad, strong, weak, duration) {
    this.forget(gamepad.index);
    const actuator = gamepad.vibrationActuator;
    if (!actuator) return;
    if ((strong === 0 && weak === 0) || duration === 0) {
      settled(actuator.reset());
      return;
    }
    const now = Math.min(duration, LONGEST_MS);
    // One that does not rumble, such as in a page that nobody has touched, is no reason to stop.
    settled(actuator.playEffect('dual-rumble', { duration: now, strongMagnitude: strong, weakMagnitude: weak }));
    const timer = setTimeout(() => {
      this.#playing.delete(gamepad.index);
      if (duration > now) this.play(gamepad, strong, weak, duration - now);
    }, now);
    this.#playing.set(gamepad.index, { gamepad, timer });
  }

  /** The pad is gone, or does something else. @param {number} index */
  forget(index) {
    clearTimeout(this.#playing.get(index)?.timer);
    this.#playing.delete(index);
  }

  stopAll() {
    for (const { gamepad } of [...this.#playing.values()]) this.play(gamepad, 0, 0, 0);
  }
}

/** @param {Promise<unknown> | undefined} effect */
function settled(effect) {
  effect?.catch(() => {});
}
