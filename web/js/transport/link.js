/**
 * A connection over the WebSocket, in the parts that a session is made of: signalling that has nothing to negotiate, and
 * a peer that receives picture and sound.
 */

import { openCanvas, openGenerator } from './picture.js';
import { openSpeaker, ownUrl } from './speaker.js';

/** Bytes that may wait: enough to keep the connection busy. */
const LOW_BYTES = 64 * 1024;

/**
 * @param {{url: URL, introduce: () => import('../core/hello.js').Introduction, worker: () => Worker}} options introduce: who is
 *   there, for each connection; worker: another one for each
 * @returns {Pick<import('../core/session.js').Dependencies, 'fetchConfig' | 'openSignalling' | 'createPeer'>}
 */
export function socketParts({ url, introduce, worker }) {
  /** @type {Link | null} */
  let link = null;
  return {
    async fetchConfig() {
      // It is made right after this is called.
      await null;
      if ((await link?.codecs) === 0) throw new Error('this browser has no codec for pictures');
      return {};
    },
    openSignalling(handlers) {
      link = new Link(worker(), url, introduce(), handlers);
      return link;
    },
    createPeer(_, handlers) {
      if (!link) throw new Error('signalling comes first');
      return link.peer(handlers);
    },
  };
}

/** The thread of one connection. */
export const startWorker = () => new Worker(ownUrl('../worker/worker.js'), { type: 'module' });

class Link {
  #worker;
  /** @type {MediaStreamTrack | null} of the picture; null until it is known who makes it */
  #track = null;
  /** @type {((frame: VideoFrame) => void) | null} */
  #draw = null;
  #signalling;
  /** @type {import('../core/peer.js').PeerHandlers | null} */
  #peer = null;
  /** @type {import('./speaker.js').Speaker | null} */
  #speaker = null;
  #ready = false;
  #closed = false;
  /** Characters that were given to the worker, and what it has said of them. */
  #given = 0;
  #handled = 0;
  #buffered = 0;
  /** @type {(() => void)[]} */
  #draining = [];
  /** @type {Map<number, (report: any) => void>} */
  #asked = new Map();
  #questions = 0;
  #hasFrame = false;
  /** How many codecs this browser has for pictures and sound; none without one for pictures. @type {Promise<number>} */
  codecs;
  /** @type {(found: number) => void} */
  #setCodecs = () => {};

  /**
   * @param {Worker} worker
   * @param {URL} url
   * @param {import('../core/hello.js').Introduction} introduction
   * @param {import('../core/signalling.js').SignallingHandlers} handlers
   */
  constructor(worker, url, introduction, handlers) {
    this.#signalling = handlers;
    const generator = openGenerator();
    this.#track = generator?.track ?? null;
    this.#worker = worker;
    this.codecs = new Promise((resolve) => (this.#setCodecs = resolve));
    this.#worker.addEventListener('message', ({ data }) => !this.#closed && this.#message(data));
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (!this.#closed) handlers.onClose({ code: 1006, reason: '' });
    });
    const writable = generator?.writable ?? null;
    const canPlay = typeof AudioWorkletNode !== 'undefined';
    this.#worker.postMessage({ type: 'open', url: url.href, introduction, canPlay, writable }, writable ? [writable] : []);
  }

  /** There is nothing to say. */
  send() {}

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#worker.terminate();
    this.#track?.stop();
    this.#speaker?.close();
    this.#drain();
    for (const answer of this.#asked.values()) answer(null);
  }

  /**
   * @param {import('../core/peer.js').PeerHandlers} handlers
   * @returns {import('../core/peer.js').Peer}
   */
  peer(handlers) {
    this.#peer = handlers;
    if (this.#ready) queueMicrotask(() => this.#begin());
    return {
      answerOffer: async () => '',
      addCandidate: async () => {},
      send: (text) => this.#send(text),
      buffered: () => this.#waiting,
      drained: () => this.#drained(),
      stats: () => this.#stats(),
      videoSource: () => null,
      microphone: () => null,
      close: () => this.close(),
    };
  }

  /** @param {any} data */
  #message(data) {
    switch (data.type) {
      case 'codecs':
        return this.#setCodecs(data.found);
      case 'text':
        return this.#text(data.text);
      case 'frame':
        return this.#draw?.(data.frame);
      case 'first-frame':
        this.#hasFrame = true;
        return;
      case 'track':
        return this.#setTrack(data.track);
      case 'canvas': {
        const { track, draw } = openCanvas();
        this.#draw = draw;
        return this.#setTrack(track);
      }
      case 'audio':
        return void this.#listen(data.channels, data.description);
      case 'sent':
        this.#handled = data.handled;
        this.#buffered = data.buffered;
        if (this.#waiting <= LOW_BYTES) this.#drain();
        return;
      case 'stats':
        this.#asked.get(data.id)?.(data);
        this.#asked.delete(data.id);
        return;
      case 'closed':
        this.#signalling.onClose({ code: data.code, reason: data.reason });
    }
  }

  /** @param {string} text */
  #text(text) {
    if (this.#ready && !text.startsWith('ERROR')) return this.#peer?.onMessage(text);
    if (text === 'HELLO') {
      this.#ready = true;
      this.#signalling.onReady();
      this.#begin();
    } else if (text.startsWith('ERROR')) {
      this.#signalling.onError(text.slice(6));
    }
  }

  /** Once the server has said hello and there is somebody to hear. */
  #begin() {
    if (!this.#peer || this.#closed) return;
    this.#peer.onState('connected');
    if (this.#track) this.#peer.onTrack(this.#track);
    this.#peer.onChannel(true);
  }

  /** @param {MediaStreamTrack} track */
  #setTrack(track) {
    this.#track = track;
    if (this.#ready) this.#peer?.onTrack(track);
  }

  /**
   * @param {number} channels
   * @param {string} description the header of Opus with more than two, in base64
   */
  async #listen(channels, description) {
    try {
      const speaker = await openSpeaker(channels);
      if (this.#closed) return speaker.close();
      this.#speaker?.close();
      this.#speaker = speaker;
      this.#worker.postMessage({ type: 'speaker', port: speaker.port, channels, description }, [speaker.port]);
      this.#peer?.onTrack(speaker.track);
    } catch (error) {
      console.warn('There is no sound:', error);
    }
  }

  /** @param {string} text */
  #send(text) {
    if (this.#closed || !this.#ready) return false;
    this.#given += text.length;
    this.#worker.postMessage({ type: 'send', text });
    return true;
  }

  get #waiting() {
    return this.#given - this.#handled + this.#buffered;
  }

  async #drained() {
    if (this.#closed || this.#waiting <= LOW_BYTES) return;
    await new Promise((resolve) => this.#draining.push(() => resolve(undefined)));
  }

  #drain() {
    const waiting = this.#draining;
    this.#draining = [];
    for (const resolve of waiting) resolve();
  }

  /** @returns {Promise<RTCStatsReport>} under the names that WebRTC has for it, so that all else need not know */
  async #stats() {
    const id = ++this.#questions;
    const answer = this.#closed ? null : await new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#worker.postMessage({ type: 'stats', id });
    });
    return /** @type {any} */ (answer ? asReport(answer, this.#hasFrame) : new Map());
  }
}

/** @type {Readonly<Record<string, string>>} */
const NAMES = { avc1: 'H264', hev1: 'H265', vp8: 'VP8', vp09: 'VP9', av01: 'AV1' };

/**
 * @param {{bytes: {video: number, audio: number}, frames: {video: number, audio: number}, connection: {rtt: number, time: number, at: number} | null, decoder: any}} numbers
 * @param {boolean} hasFrame
 */
function asReport({ bytes, frames, connection, decoder }, hasFrame) {
  const timestamp = performance.timeOrigin + performance.now();
  const inbound = (/** @type {'video' | 'audio'} */ kind) => ({ type: 'inbound-rtp', kind, timestamp, bytesReceived: bytes[kind], packetsReceived: frames[kind], packetsLost: 0 });
  const video = {
    ...inbound('video'), codecId: 'codec-video', remoteId: 'remote', framesDecoded: hasFrame ? decoder.decoded : 0, framesDropped: decoder.dropped,
    frameWidth: decoder.width, frameHeight: decoder.height, totalDecodeTime: decoder.decodeMs / 1000,
  };
  const report = new Map(Object.entries({
    video,
    'codec-video': { type: 'codec', mimeType: `video/${NAMES[decoder.codec.split('.')[0]] ?? decoder.codec}` },
    transport: { type: 'transport', selectedCandidatePairId: 'pair' },
    pair: { type: 'candidate-pair', localCandidateId: 'local', remoteCandidateId: 'local', ...(connection && { currentRoundTripTime: connection.rtt / 1000 }) },
    local: { type: 'local-candidate', candidateType: 'host', protocol: 'websocket' },
    ...(connection && { remote: { type: 'remote-outbound-rtp', timestamp: connection.at, remoteTimestamp: connection.time } }),
    ...(frames.audio > 0 && { audio: { ...inbound('audio'), codecId: 'codec-audio' }, 'codec-audio': { type: 'codec', mimeType: 'audio/opus' } }),
  }));
  return report;
}
