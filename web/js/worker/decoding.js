/** WebCodecs in the worker: encoded frames in, pictures and samples out. */

/** More frames than this in the decoder: it does not keep up, and goes on with a keyframe. */
const BEHIND = 12;

/**
 * @typedef {object} DecodingOptions
 * @property {(message: object, transfer?: Transferable[]) => void} tell the page
 * @property {WritableStream | null} writable takes pictures; null where the page has none
 * @property {() => void} needsKeyframe
 * @property {() => void} progress a frame has left the decoder
 *
 * @typedef {import('./wire.js').MediaFrame} MediaFrame
 */

export class Decoding {
  #options;
  /** @type {WritableStreamDefaultWriter | null} */
  #writer;
  /** The page draws them. */
  #toPage = false;
  /** @type {VideoDecoder | null} */
  #decoder = null;
  /** @type {AudioDecoder | null} */
  #sound = null;
  #codec = '';
  /** Nothing but a keyframe can be decoded. */
  #lost = true;
  #decoded = 0;
  #dropped = 0;
  #decodeMs = 0;
  #size = { width: 0, height: 0 };
  /** When frames went in, by their time stamps. @type {Map<number, number>} */
  #started = new Map();

  /** @param {DecodingOptions} options */
  constructor(options) {
    this.#options = options;
    let { writable } = options;
    const Generator = /** @type {any} */ (globalThis).VideoTrackGenerator;
    if (!writable && Generator) {
      const generator = new Generator();
      writable = generator.writable;
      options.tell({ type: 'track', track: generator.track }, [generator.track]);
    } else if (!writable) {
      this.#toPage = true;
      options.tell({ type: 'canvas' });
    }
    this.#writer = writable?.getWriter() ?? null;
    // The page has ended the track.
    this.#writer?.closed.catch(() => (this.#writer = null));
  }

  /** @returns {number} frames that wait to be decoded */
  get waiting() {
    return this.#decoder?.decodeQueueSize ?? 0;
  }

  get numbers() {
    return { codec: this.#codec, decoded: this.#decoded, dropped: this.#dropped, decodeMs: this.#decodeMs, ...this.#size };
  }

  /** @param {string} codec as in WebCodecs' registry */
  setVideo(codec) {
    this.#codec = codec;
    this.#restart();
  }

  /** @param {MediaFrame} frame */
  video({ keyframe, captured, data }) {
    if (!this.#decoder || this.#decoder.state !== 'configured' || (this.#lost && !keyframe)) {
      this.#dropped += 1;
      return;
    }
    if (this.#decoder.decodeQueueSize > BEHIND) return this.#lose();
    this.#lost = false;
    this.#started.set(captured, performance.now());
    this.#decoder.decode(new EncodedVideoChunk({ type: keyframe ? 'key' : 'delta', timestamp: captured, data }));
  }

  /**
   * @param {MessagePort} port takes samples
   * @param {number} channels
   * @param {string} header of RFC 7845, 5.1, in base64; empty for one and two channels
   */
  setAudio(port, channels, header) {
    const description = header ? Uint8Array.from(atob(header), (letter) => letter.charCodeAt(0)) : undefined;
    const output = (/** @type {AudioData} */ data) => {
      const samples = Array.from({ length: data.numberOfChannels }, (_, planeIndex) => {
        const plane = new Float32Array(data.numberOfFrames);
        data.copyTo(plane, { planeIndex, format: 'f32-planar' });
        return plane;
      });
      data.close();
      port.postMessage(samples, samples.map(({ buffer }) => buffer));
    };
    // Each packet is whole: after one that cannot be decoded, the decoder is made anew.
    const start = () => {
      const decoder = new AudioDecoder({ output, error: () => this.#sound === decoder && start() });
      decoder.configure({ codec: 'opus', sampleRate: 48_000, numberOfChannels: channels, ...(description && { description }) });
      this.#sound = decoder;
    };
    start();
  }

  /** @param {MediaFrame} frame */
  audio({ captured, data }) {
    if (this.#sound?.state === 'configured') this.#sound.decode(new EncodedAudioChunk({ type: 'key', timestamp: captured, data }));
  }

  #restart() {
    const before = this.#decoder;
    this.#lost = true;
    this.#started.clear();
    const decoder = new VideoDecoder({
      output: (frame) => this.#show(frame),
      error: () => {
        if (this.#decoder !== decoder) return;
        this.#restart();
        this.#options.needsKeyframe();
      },
    });
    this.#decoder = decoder;
    if (before && before.state !== 'closed') before.close();
    decoder.addEventListener('dequeue', () => this.#options.progress());
    decoder.configure({ codec: this.#codec, optimizeForLatency: true });
  }

  /** The frames in between are given up. */
  #lose() {
    this.#dropped += 1 + this.waiting;
    this.#restart();
    this.#options.needsKeyframe();
  }

  /** @param {VideoFrame} frame */
  #show(frame) {
    const started = this.#started.get(frame.timestamp);
    if (started !== undefined) this.#decodeMs += performance.now() - started;
    this.#started.delete(frame.timestamp);
    this.#decoded += 1;
    this.#size = { width: frame.displayWidth, height: frame.displayHeight };
    if (this.#decoded === 1) this.#options.tell({ type: 'first-frame' });
    if (this.#toPage) this.#options.tell({ type: 'frame', frame }, [/** @type {any} */ (frame)]);
    else if (this.#writer) this.#writer.write(frame).catch(() => frame.close());
    else frame.close();
  }
}
