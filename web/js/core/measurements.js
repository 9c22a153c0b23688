/** Tells the server what the browser measures of the connection, if it asked. */

import { statistics } from './protocol.js';

const INTERVAL_MS = 1000;

export class Measurements {
  #session;
  #send;
  /** Which run may go on: the last one that was started, if any. */
  #run = 0;

  /**
   * @param {Pick<import('./session.js').Session, 'stats'>} session
   * @param {(message: string) => void} send
   */
  constructor(session, send) {
    this.#session = session;
    this.#send = send;
  }

  /** From now on, until the connection ends. */
  async start() {
    const mine = ++this.#run;
    while (mine === this.#run) {
      const report = await this.#session.stats().catch(() => null);
      if (report) for (const message of statistics(report)) this.#send(message);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }

  stop() {
    this.#run += 1;
  }
}
