/** Feeds the statistics while the panel is open, and costs nothing otherwise. */

import { Latency } from '../core/latency.js';
import { summarise } from '../core/stats.js';

const INTERVAL_MS = 1000;

/**
 * @typedef {object} FeedOptions
 * @property {Pick<import('../core/session.js').Session, 'stats' | 'videoSource'>} session
 * @property {() => HTMLVideoElement} video
 * @property {() => boolean} isOpen
 * @property {(numbers: import('../core/stats.js').Numbers, stages: import('../core/latency.js').Stages | null) => void} show
 */

export class StatsFeed {
  #options;
  #latency = new Latency(performance.timeOrigin);
  #running = false;
  /** @type {HTMLVideoElement | null} whose next frame is waited for */
  #watched = null;

  /** @param {FeedOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Another connection has other numbers. */
  forget() {
    this.#latency.forget();
    this.#watchFrames();
  }

  /**
   * The server says when a picture was captured.
   * @param {number} rtp
   * @param {number} time
   */
  tellClock(rtp, time) {
    this.#latency.tellClock(rtp, time);
  }

  /** Runs until the panel is closed. */
  async run() {
    if (this.#running) return;
    this.#running = true;
    const { session, isOpen, show } = this.#options;
    /** @type {import('../core/stats.js').Totals | null} */
    let totals = null;
    this.#watchFrames();
    while (isOpen()) {
      const report = await session.stats().catch(() => null);
      const { numbers, totals: next } = summarise(report ?? [], totals);
      totals = report ? next : null;
      show(numbers, this.#latency.stages(numbers.rttMs, numbers.clockOffsetMs));
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
    this.#running = false;
    this.forget();
  }

  /** @returns {Promise<import('../core/stats.js').Numbers>} once */
  async numbers() {
    const report = await this.#options.session.stats().catch(() => null);
    return summarise(report ?? [], null).numbers;
  }

  /** Each frame that is shown meanwhile. */
  #watchFrames() {
    const { session } = this.#options;
    const video = this.#options.video();
    if (!this.#running || this.#watched === video || !('requestVideoFrameCallback' in video)) return;
    this.#watched = video;
    video.requestVideoFrameCallback((_, frame) => {
      if (this.#watched !== video) return;
      this.#watched = null;
      this.#latency.add(frame, session.videoSource());
      this.#watchFrames();
    });
  }
}
