/**
 * From the desktop's screen to this one, stage by stage. The server says when a frame was captured
 * (abs-capture-time), the browser when its last packet came, how long it was decoded, when it went to the compositor and
 * when it is to be seen. RTCP sender reports tell how the two clocks differ. Pure.
 */

const FRAMES = 60;

/** From 1900, where NTP counts from, to 1970, in milliseconds. */
const NTP_EPOCH = 2_208_988_800_000;

/**
 * @typedef {object} FrameTimes milliseconds on the page's clock, as requestVideoFrameCallback gives them
 * @property {number} [receiveTime]
 * @property {number} [rtpTimestamp]
 * @property {number} [processingDuration] seconds
 * @property {number} presentationTime
 * @property {number} expectedDisplayTime
 *
 * @typedef {object} Source what RTCRtpReceiver.getSynchronizationSources tells of the last frame
 * @property {number} rtpTimestamp
 * @property {number} [captureTimestamp] NTP on the server's clock, milliseconds
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
  #origin;

  /** @param {number} origin of the page's clock, milliseconds since 1970 */
  constructor(origin) {
    this.#origin = origin;
  }

  /**
   * @param {FrameTimes} frame
   * @param {Source | null} source
   */
  add({ rtpTimestamp, receiveTime, processingDuration, presentationTime, expectedDisplayTime }, source) {
    const decode = processingDuration === undefined ? null : processingDuration * 1000;
    const waited = receiveTime === undefined ? null : presentationTime - receiveTime - (decode ?? 0);
    // On the server's clock; and of this frame, not of one that came meanwhile.
    const captured = source?.captureTimestamp !== undefined && source.rtpTimestamp === rtpTimestamp ? source.captureTimestamp - NTP_EPOCH - this.#origin : null;
    // A frame that went to the compositor late for its turn is seen with the next one, sooner than the next but one.
    const shown = Math.max(expectedDisplayTime, presentationTime);
    this.#frames.push({
      ahead: captured === null || receiveTime === undefined ? null : receiveTime - captured,
      buffer: waited === null ? null : Math.max(0, waited),
      decode,
      display: shown - presentationTime,
      total: captured === null ? null : shown - captured,
    });
    if (this.#frames.length > FRAMES) this.#frames.shift();
  }

  forget() {
    this.#frames = [];
  }

  /**
   * @param {number | null} rttMs
   * @param {number | null} clockOffsetMs what the page's clock is ahead of the server's
   * @returns {Stages | null} null before the first frame
   */
  stages(rttMs, clockOffsetMs) {
    if (this.#frames.length === 0) return null;
    // Clocks that are brought together are still a little off.
    const here = (/** @type {number | null} */ value) => (value === null || clockOffsetMs === null ? null : Math.max(0, value - clockOffsetMs));
    const ahead = here(median(this.#frames.map((frame) => frame.ahead)));
    const network = ahead === null || rttMs === null ? null : Math.min(ahead, rttMs / 2);
    return {
      server: ahead === null ? null : ahead - (network ?? 0),
      network,
      buffer: median(this.#frames.map((frame) => frame.buffer)),
      decode: median(this.#frames.map((frame) => frame.decode)),
      display: median(this.#frames.map((frame) => frame.display)) ?? 0,
      total: here(median(this.#frames.map((frame) => frame.total))),
    };
  }
}

/** @param {(number | null)[]} values @returns {number | null} */
function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length > 0 ? known[Math.floor(known.length / 2)] : null;
}
