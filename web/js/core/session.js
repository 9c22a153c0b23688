/**
 * The life of a connection. Everything it touches (sockets, peers, time) is handed in, so that the
 * whole state machine runs in tests without a browser.
 *
 *   idle ──start──▶ connecting ──first frame──▶ live
 *                     │    ▲                      │
 *                failure  timer, online,       failure
 *                     ▼   visible, button         ▼
 *                   failed                   reconnecting ──first frame──▶ live
 *
 * `failed` and `reconnecting` count down to the next attempt by themselves (`retryAt`), except after
 * failures that trying again cannot mend. An attempt goes through the stages
 * signalling → negotiating → ice → frame.
 *
 * Events: `change` (detail: Snapshot), `track` (MediaStreamTrack), `channel` (boolean), `message`
 * (text from the data channel).
 */

import { backoff } from './backoff.js';
import { answer, ice } from './protocol.js';
import { received } from './stats.js';

/**
 * @typedef {'idle' | 'connecting' | 'live' | 'reconnecting' | 'failed'} State
 * @typedef {'signalling' | 'negotiating' | 'ice' | 'frame' | 'waiting' | 'live'} Stage
 * @typedef {'auth' | 'unreachable' | 'signalling' | 'server' | 'ended' | 'lost' | 'offer' | 'ice'
 *   | 'frame' | 'stalled' | 'unsupported' | 'https'} FailureKind
 * @typedef {{kind: FailureKind, text: string}} Failure `text`: the server's own words, if any
 * @typedef {object} Snapshot
 * @property {State} state
 * @property {Stage} stage
 * @property {Failure | null} failure why the last attempt or session ended
 * @property {number | null} retryAt on the clock of `deps.now`
 * @property {number} attempt attempts since it last worked
 *
 * @typedef {object} Dependencies
 * @property {() => Promise<RTCConfiguration>} fetchConfig rejects with HttpError for an HTTP status
 * @property {() => Promise<'up' | 'auth' | 'unreachable'>} probeHealth
 * @property {(handlers: import('./signalling.js').SignallingHandlers) => import('./signalling.js').Signalling} openSignalling
 * @property {(config: RTCConfiguration, handlers: import('./peer.js').PeerHandlers) => import('./peer.js').Peer} createPeer
 * @property {(callback: () => void, milliseconds: number) => any} setTimeout
 * @property {(id: any) => void} clearTimeout
 * @property {() => number} now
 * @property {() => number} random
 */

/** A stage that takes longer than this has hung. */
const STAGE_LIMIT_MS = 15_000;
const DISCONNECTED_LIMIT_MS = 4000;
const WATCH_INTERVAL_MS = 1000;
/** Looks without a byte received. The server sends a frame each second even when nothing changes. */
const STALLED_LOOKS = 8;
/** A connection has to last this long before the back-off starts over: one that dies at once, again
 * and again, must not be hammered. */
const STABLE_MS = 10_000;

/** What to do about a network that blocks the picture takes a while to read. */
const READ_MS = 8000;

/** Close code of a server that wants its clients back at once (RFC 6455, registered by IANA). */
const SERVICE_RESTART = 1012;

/** Failures that only the user can do something about. */
const FINAL = new Set(['auth', 'ended', 'unsupported']);

/** @type {Readonly<Record<string, FailureKind>>} */
const TIMEOUT_KIND = { signalling: 'signalling', negotiating: 'offer', ice: 'ice', frame: 'frame' };

export class HttpError extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

export class Session extends EventTarget {
  #deps;
  /** @type {Snapshot} */
  #now = { state: 'idle', stage: 'waiting', failure: null, retryAt: null, attempt: 0 };
  /** Each attempt has a number; what an abandoned one still has to say is not listened to. */
  #generation = 0;
  #wasLive = false;
  #liveSince = 0;
  /** @type {import('./signalling.js').Signalling | null} */
  #signalling = null;
  /** @type {import('./peer.js').Peer | null} */
  #peer = null;
  /** @type {Map<'stage' | 'retry' | 'disconnected' | 'watch', any>} */
  #timers = new Map();

  /** @param {Dependencies} deps */
  constructor(deps) {
    super();
    this.#deps = deps;
  }

  /** @returns {Readonly<Snapshot>} */
  get snapshot() {
    return this.#now;
  }

  start() {
    if (this.#now.state === 'idle') this.#attempt();
  }

  /** Connects at once if it is waiting to (or gave up); otherwise leaves things as they are. */
  retryNow() {
    if (this.#now.stage === 'waiting' && this.#now.state !== 'idle') this.#attempt();
  }

  /** The network or the tab came back: worth trying now, unless only the user can mend it. */
  nudge() {
    if (this.#now.retryAt !== null) this.retryNow();
  }

  /** Drops the connection and makes no other before {@link start}. */
  stop() {
    if (this.#now.state === 'idle') return;
    this.#generation++;
    this.#dropConnection();
    this.#wasLive = false;
    this.#set({ state: 'idle', stage: 'waiting', failure: null, retryAt: null, attempt: 0 });
  }

  /** Drops the connection and makes a new one, because the server asked for it. */
  restart() {
    if (this.#now.state !== 'idle') this.#attempt();
  }

  /** The video element shows a frame of the current connection. */
  frameShown() {
    if (this.#now.stage === 'frame') this.#becomeLive();
  }

  /**
   * @param {string} text
   * @returns {boolean} whether it was sent
   */
  send(text) {
    return this.#peer?.send(text) ?? false;
  }

  /** @returns {number} bytes of input that the network has not taken yet */
  buffered() {
    return this.#peer?.buffered() ?? 0;
  }

  /** @returns {Promise<void>} resolves once the network has taken most of it */
  async drained() {
    await this.#peer?.drained();
  }

  /** @returns {Promise<RTCStatsReport | null>} */
  async stats() {
    return (await this.#peer?.stats()) ?? null;
  }

  /** @returns {import('./latency.js').Source | null} of the last frame of the video */
  videoSource() {
    return this.#peer?.videoSource() ?? null;
  }

  /** @returns {RTCRtpSender | null} for what the user says, where the desktop listens */
  microphone() {
    return this.#peer?.microphone() ?? null;
  }

  #attempt() {
    this.#dropConnection();
    const generation = ++this.#generation;
    /** @template {any[]} A @param {(...args: A) => void} callback @returns {(...args: A) => void} */
    const current = (callback) => (...args) => {
      if (generation === this.#generation) callback(...args);
    };
    const fail = current((/** @type {FailureKind} */ kind, text = '') => this.#fail(kind, text));

    this.#enter('signalling', { state: this.#wasLive ? 'reconnecting' : 'connecting', retryAt: null });

    // The configuration and the socket are fetched side by side to save a round trip; signals wait
    // in line, in order, until there is a peer to take them.
    const peerReady = this.#deps.fetchConfig().then((config) => {
      if (generation !== this.#generation) return null;
      this.#peer = this.#deps.createPeer(config, {
        onTrack: current((track) => this.#emit('track', track)),
        onCandidate: current((candidate) => this.#signalling?.send(ice(candidate))),
        onState: current((state) => this.#peerState(state)),
        onChannel: current((open) => this.#emit('channel', open)),
        onMessage: current((text) => this.#emit('message', text)),
      });
      return this.#peer;
    });
    peerReady.catch((error) => {
      if (error instanceof HttpError) fail(error.status === 401 || error.status === 429 ? 'auth' : 'signalling');
      else if (error instanceof TypeError) fail('unreachable'); // what fetch rejects with
      else fail('unsupported');
    });
    let line = peerReady;

    try {
      this.#signalling = this.#deps.openSignalling({
        onReady: current(() => this.#enterIfEarlier('negotiating')),
        onError: current((text) => fail('server', text)),
        onClose: current((end) => this.#signallingClosed(end)),
        onSignal: (signal) => {
          line = line.then(async (peer) => {
            if (!peer || generation !== this.#generation) return null;
            if (signal.kind === 'candidate') {
              await peer.addCandidate(signal.candidate);
              return peer;
            }
            try {
              const sdp = await peer.answerOffer(signal.sdp);
              if (generation === this.#generation) {
                this.#signalling?.send(answer(sdp));
                this.#enterIfEarlier('ice');
              }
            } catch (error) {
              console.warn('The offer cannot be answered:', error);
              fail('offer');
            }
            return peer;
          });
          line.catch(() => {}); // told by peerReady
        },
      });
    } catch {
      fail('unsupported');
    }
  }

  /** @param {{code: number, reason: string}} end */
  #signallingClosed({ code, reason }) {
    const reached = this.#now.stage;
    // Its encoder was exchanged for one of another codec: the new session shows it at once.
    if (code === SERVICE_RESTART && reached === 'live') return this.restart();
    // A server that says why, in a normal close or a code of its own, means it: coming back uninvited
    // would throw out whoever took over, who would throw us out, and so on.
    const meant = (code === 1000 && reason !== '') || code === 1008 || (code >= 4000 && code <= 4999);
    if (meant) return this.#fail('ended', reason);
    if (reached !== 'signalling') return this.#fail(reason ? 'server' : 'lost', reason);
    if (reason) return this.#fail('server', reason);

    // The browser hides the HTTP status of a refused socket: ask for it in a way that shows it.
    const generation = this.#generation;
    this.#deps.probeHealth().then((health) => {
      if (generation !== this.#generation) return;
      this.#fail(health === 'up' ? 'signalling' : health, '');
    });
  }

  /** @param {'connected' | 'disconnected' | 'failed'} state */
  #peerState(state) {
    if (state === 'failed') return this.#fail(this.#now.state === 'live' ? 'lost' : 'ice', '');
    if (state === 'disconnected') {
      // Often a blink (a roaming phone, a lost packet): ICE gets a moment to find its way back.
      if (!this.#timers.has('disconnected')) {
        this.#timer('disconnected', DISCONNECTED_LIMIT_MS, () => this.#fail('lost', ''));
      }
      return;
    }
    this.#clear('disconnected');
    if (this.#now.stage === 'live' || this.#now.stage === 'frame') return;
    this.#enter('frame');
    this.#watch(-1, 0);
  }

  /**
   * Looks each second whether anything arrives. Counting looks, not time, keeps a suspended laptop
   * from being called stalled the moment it wakes.
   * @param {number} lastBytes
   * @param {number} quiet looks without news so far
   */
  #watch(lastBytes, quiet) {
    const generation = this.#generation;
    this.#timer('watch', WATCH_INTERVAL_MS, async () => {
      const report = await this.#peer?.stats().catch(() => null);
      if (generation !== this.#generation) return;
      const { bytes, frames } = report ? received(report) : { bytes: lastBytes, frames: 0 };
      // A hidden tab decodes but draws nothing, so that the element never reports a frame.
      if (frames > 0) this.frameShown();
      const stillQuiet = bytes === lastBytes ? quiet + 1 : 0;
      if (stillQuiet >= STALLED_LOOKS && this.#now.state === 'live') this.#fail('stalled', '');
      else this.#watch(bytes, stillQuiet);
    });
  }

  #becomeLive() {
    this.#clear('stage');
    this.#wasLive = true;
    this.#liveSince = this.#deps.now();
    this.#set({ state: 'live', stage: 'live', failure: null });
  }

  /**
   * @param {FailureKind} kind
   * @param {string} text
   */
  #fail(kind, text) {
    if (this.#now.state === 'live' && this.#deps.now() - this.#liveSince >= STABLE_MS) {
      this.#now = { ...this.#now, attempt: 0 };
    }
    this.#generation++;
    this.#dropConnection();
    const attempt = this.#now.attempt;
    const final = FINAL.has(kind);
    const explained = kind === 'ice' && !this.#wasLive;
    const wait = Math.max(backoff(attempt, this.#deps.random), explained ? READ_MS : 0);
    if (!final) this.#timer('retry', wait, () => this.#attempt());
    this.#set({
      state: this.#wasLive && !final ? 'reconnecting' : 'failed',
      stage: 'waiting',
      failure: { kind, text },
      retryAt: final ? null : this.#deps.now() + wait,
      attempt: attempt + 1,
    });
  }

  #dropConnection() {
    for (const name of this.#timers.keys()) this.#clear(name);
    this.#signalling?.close();
    this.#signalling = null;
    if (!this.#peer) return;
    this.#peer.close();
    this.#peer = null;
    this.#emit('channel', false);
  }

  /**
   * @param {Stage} stage
   * @param {Partial<Snapshot>} [more] what changes with it
   */
  #enter(stage, more = {}) {
    this.#set({ ...more, stage });
    this.#timer('stage', STAGE_LIMIT_MS, () => this.#fail(TIMEOUT_KIND[stage], ''));
  }

  /**
   * The network may be quicker than the bookkeeping (ICE up before the answer's promise resolved).
   * @param {Stage} stage
   */
  #enterIfEarlier(stage) {
    const order = ['signalling', 'negotiating', 'ice', 'frame', 'live'];
    if (order.indexOf(this.#now.stage) < order.indexOf(stage)) this.#enter(stage);
  }

  /**
   * @param {'stage' | 'retry' | 'disconnected' | 'watch'} name
   * @param {number} milliseconds
   * @param {() => void} callback
   */
  #timer(name, milliseconds, callback) {
    this.#clear(name);
    const run = () => {
      this.#timers.delete(name);
      callback();
    };
    this.#timers.set(name, this.#deps.setTimeout(run, milliseconds));
  }

  /** @param {'stage' | 'retry' | 'disconnected' | 'watch'} name */
  #clear(name) {
    if (this.#timers.has(name)) this.#deps.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  /** @param {Partial<Snapshot>} part */
  #set(part) {
    this.#now = { ...this.#now, ...part };
    this.#emit('change', this.#now);
  }

  /**
   * @param {'change' | 'track' | 'channel' | 'message'} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
