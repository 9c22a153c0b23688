/**
 * From the desktop's screen to this one, stage by stage. The browser tells when a frame was captured (from the server's
 * abs-capture-time, brought to this clock by RTCP), when its last packet came, how long it was decoded, when it went to
 * the compositor and when it is to be seen. Pure.
 */

const FRAMES = 60;

/**
 * @typedef {object} FrameTimes milliseconds on the page's clock, as requestVideoFrameCallback gives them
 * @property {number} [captureTime]
 * @property {number} [receiveTime]
 * @property {number} [processingDuration] seconds
 * @property {number} presentationTime
 * @property {number} expectedDisplayTime
 *
 * @typedef {object} Stages milliseconds each, medians of the last frames; null: this browser does not tell
 * @property {number | null} server capture, conversion and encoding
 * @property {number | null} network half the round trip
 * @property {number | null} buffer waiting for the decoder and for the right moment
 * @property {number | null} decode
 * @property {number} display from the compositor to the screen
 * @property {number | null} total from capture to display
 */

export class Latency {
  /** @type {{ahead: number | null, buffer: number | null, decode: number | null, display: number, total: number | null}[]} */
  #frames = [];

  /** @param {FrameTimes} frame */
  add({ captureTime, receiveTime, processingDuration, presentationTime, expectedDisplayTime }) {
    const decode = processingDuration === undefined ? null : processingDuration * 1000;
    const ahead = captureTime === undefined || receiveTime === undefined ? null : receiveTime - captureTime;
    const waited = receiveTime === undefined ? null : presentationTime - receiveTime - (decode ?? 0);
    const total = captureTime === undefined ? null : expectedDisplayTime - captureTime;
    this.#frames.push({
      ahead: positive(ahead),
      buffer: positive(waited),
      decode,
      display: Math.max(0, expectedDisplayTime - presentationTime),
      total: positive(total),
    });
    if (this.#frames.length > FRAMES) this.#frames.shift();
  }

  forget() {
    this.#frames = [];
  }

  /**
   * @param {number | null} rttMs
   * @returns {Stages | null} null before the first frame
   */
  stages(rttMs) {
    if (this.#frames.length === 0) return null;
    const ahead = median(this.#frames.map((frame) => frame.ahead));
    const network = ahead === null || rttMs === null ? null : Math.min(ahead, rttMs / 2);
    return {
      server: ahead === null ? null : ahead - (network ?? 0),
      network,
      buffer: median(this.#frames.map((frame) => frame.buffer)),
      decode: median(this.#frames.map((frame) => frame.decode)),
      display: median(this.#frames.map((frame) => frame.display)) ?? 0,
      total: median(this.#frames.map((frame) => frame.total)),
    };
  }
}

/** Clocks that are brought together are a little off. @param {number | null} value */
const positive = (value) => (value === null ? null : Math.max(0, value));

/** @param {(number | null)[]} values @returns {number | null} */
function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length > 0 ? known[Math.floor(known.length / 2)] : null;
}
