/**
 * From the desktop's screen to this one, stage by stage. The server says when a frame was captured
 * (abs-capture-time, or by messages to browsers that do not tell it), the browser when its last packet came, how long it was decoded, when it went to the compositor and
 * when it is to be seen. RTCP sender reports tell how the two clocks differ. Pure.
 */

const FRAMES = 60;
/** Sender reports whose clocks are compared: about a minute, in which clocks do not drift apart. */
const REPORTS = 12;

/** Ticks of video per millisecond (RFC 3551). */
const RTP_RATE = 90;
/** Messages about the server's clock that are compared. */
const CLOCKS = 5;

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
  /** @type {{ahead: number | null, buffer: number | null, decode: number | null, display: number}[]} */
  #frames = [];
  /** @type {number[]} */
  #offsets = [];
  /** Which picture was captured when, on the server's clock. @type {{rtp: number, time: number}[]} */
  #clocks = [];
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
    const isOfIt = source?.captureTimestamp !== undefined && source.rtpTimestamp === rtpTimestamp;
    const time = isOfIt ? Number(source.captureTimestamp) - NTP_EPOCH : this.#timeOf(rtpTimestamp);
    const captured = time === null ? null : time - this.#origin;
    this.#frames.push({
      ahead: captured === null || receiveTime === undefined ? null : receiveTime - captured,
      buffer: waited === null ? null : Math.max(0, waited),
      decode,
      display: Math.max(0, expectedDisplayTime - presentationTime),
    });
    if (this.#frames.length > FRAMES) this.#frames.shift();
  }

  forget() {
    this.#frames = [];
    this.#offsets = [];
    this.#clocks = [];
  }

  /**
   * The server says when a picture was captured.
   * @param {number} rtp its RTP timestamp
   * @param {number} time milliseconds since 1970
   */
  tellClock(rtp, time) {
    this.#clocks.push({ rtp, time });
    if (this.#clocks.length > CLOCKS) this.#clocks.shift();
  }

  /**
   * @param {number | undefined} rtp
   * @returns {number | null} milliseconds since 1970
   */
  #timeOf(rtp) {
    if (rtp === undefined) return null;
    // Timestamps are of 32 bits, and go round.
    return median(this.#clocks.map((clock) => clock.time + ((rtp - clock.rtp) | 0) / RTP_RATE));
  }

  /**
   * @param {number | null} rttMs
   * @param {number | null} clockOffsetMs what the page's clock is ahead of the server's
   * @returns {Stages | null} null before the first frame
   */
  stages(rttMs, clockOffsetMs) {
    if (this.#frames.length === 0) return null;
    if (clockOffsetMs !== null && clockOffsetMs !== this.#offsets.at(-1)) this.#offsets.push(clockOffsetMs);
    if (this.#offsets.length > REPORTS) this.#offsets.shift();
    // A report that waited somewhere makes the clocks look farther apart, and nothing makes them look nearer.
    const offset = this.#offsets.length > 0 ? Math.min(...this.#offsets) : null;
    const raw = median(this.#frames.map((frame) => frame.ahead));
    const ahead = raw === null || offset === null ? null : Math.max(0, raw - offset);
    const network = ahead === null || rttMs === null ? null : Math.min(ahead, rttMs / 2);
    const buffer = median(this.#frames.map((frame) => frame.buffer));
    const decode = median(this.#frames.map((frame) => frame.decode));
    const display = median(this.#frames.map((frame) => frame.display)) ?? 0;
    const total = ahead === null ? null : ahead + (buffer ?? 0) + (decode ?? 0) + display;
    return { server: ahead === null ? null : ahead - (network ?? 0), network, buffer, decode, display, total };
  }
}

/** @param {(number | null)[]} values @returns {number | null} */
function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length > 0 ? known[Math.floor(known.length / 2)] : null;
}
