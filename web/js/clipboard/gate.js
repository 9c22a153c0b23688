/**
 * Keeps input back while the clipboard is on its way, so that Ctrl+V never overtakes what it is to
 * paste. Everything that passes keeps its order.
 */
export class Gate {
  #send;
  #closed = false;
  /** @type {string[]} */
  #waiting = [];
  /** @type {(() => void)[]} */
  #watchers = [];

  /** @param {(message: string) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} message */
  send(message) {
    if (this.#closed) this.#waiting.push(message);
    else this.#send(message);
  }

  close() {
    this.#closed = true;
  }

  open() {
    this.#closed = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#send(message);
    this.#tell();
  }

  /** Lets nothing of what waits through: the connection it was meant for is gone. */
  reset() {
    this.#closed = false;
    this.#waiting = [];
    this.#tell();
  }

  /** @returns {Promise<void>} resolves at once, or when nothing is kept back any more */
  async untilOpen() {
    if (this.#closed) await new Promise((resolve) => this.#watchers.push(() => resolve(undefined)));
  }

  #tell() {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const tell of watchers) tell();
  }
}
