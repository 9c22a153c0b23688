/**
 * WebRTC where it connects, the WebSocket until then and elsewhere: two sessions that look like one.
 *
 * Both begin at once. The picture of the one that is live first is shown; WebRTC is used as soon as it is live as well,
 * and the WebSocket ends. When nothing comes by WebRTC any more, the WebSocket is tried beside it, without waiting for
 * WebRTC to notice; while the WebSocket is in use, WebRTC is tried again now and then.
 *
 * Events are those of a session, and `picture` (detail: an element that plays) in place of `track` for a picture that is
 * there already; `track`, `channel` and `message` are of the connection in use. `handover` stands for
 * `channel` where one connection takes over from another that works: nothing of what the user does is lost in between.
 * `transport` (detail: {@link Transports.transport}) tells that another one is in use, or for another reason. The server
 * knows both as one viewer, and tells everything anew to the one that says that it is in use.
 */

import { useConnection } from '../core/protocol.js';
import { Silence } from './silence.js';

/** Before WebRTC is tried again. */
const AGAIN_MS = [3000, 6000, 12_000, 30_000, 60_000];
/** A connection that lasted so long was a good one. */
const GOOD_MS = 30_000;
/** Failures that are the same by either way. */
const FOR_BOTH = new Set(['auth', 'ended']);
/** @type {readonly import('../core/session.js').Stage[]} */
const STAGES = ['waiting', 'signalling', 'negotiating', 'ice', 'frame', 'live'];

/**
 * @typedef {import('../core/session.js').Session} Session
 * @typedef {import('../core/session.js').Snapshot} Snapshot
 * @typedef {'webrtc' | 'websocket'} Kind
 * @typedef {'chosen' | 'only' | 'https' | 'webcodecs' | 'trying' | 'failed' | 'lost' | 'works'} Reason why it is this one:
 *   chosen by the user; the only one that the server offers; the other one lacks https or WebCodecs here; WebRTC is being
 *   tried; it found no way; it was lost; it works
 *
 * @typedef {object} Plan
 * @property {'auto' | Kind} mode
 * @property {Reason} reason
 * @property {'https' | 'webcodecs' | null} lacks what the WebSocket lacks here
 *
 * @typedef {object} TransportDependencies
 * @property {(kind: Kind) => Session} createSession
 * @property {() => Plan} likely the plan as far as it is known without asking the server
 * @property {() => Promise<Plan>} plan
 * @property {(track: MediaStreamTrack, onFrame: () => void) => import('./preview.js').Preview} watchTrack calls back when it
 *   has a picture
 * @property {() => Promise<void>} untilSaid resolves when nothing is half said that another connection could not end
 * @property {(callback: () => void, milliseconds: number) => any} setTimeout
 * @property {(id: any) => void} clearTimeout
 * @property {() => number} now
 */

/** One of the two. */
class Side {
  /** @type {MediaStreamTrack | null} */
  video = null;
  /** @type {MediaStreamTrack | null} */
  audio = null;
  channel = false;
  /** @type {import('./preview.js').Preview | null} of the picture, while it is not shown */
  preview = null;
  session;
  kind;

  /**
   * @param {Kind} kind
   * @param {Session} session
   */
  constructor(kind, session) {
    this.kind = kind;
    this.session = session;
  }

  get isLive() {
    return this.session.snapshot.state === 'live';
  }

  get isIdle() {
    return this.session.snapshot.state === 'idle';
  }

  forget() {
    this.endPreview();
    this.video = this.audio = null;
  }

  endPreview() {
    this.preview?.end();
    this.preview = null;
  }
}

export class Transports extends EventTarget {
  #deps;
  /** @type {Record<Kind, Side>} */
  #sides;
  /** @type {Plan | null} null until it is known */
  #plan = null;
  /** @type {Side | null} the one in use */
  #active = null;
  /** @type {Side | null} the one whose picture is in the page */
  #shown = null;
  #wasLive = false;
  /** Whether nothing comes by WebRTC any more. */
  #silence;
  #attempts = 0;
  #webrtcSince = 0;
  /** @type {Reason} of an `auto` plan */
  #reason = 'trying';
  /** @type {any} of the next try of WebRTC; null while none is to come */
  #again = null;
  /** @type {Snapshot} */
  #now = { state: 'idle', stage: 'waiting', failure: null, retryAt: null, attempt: 0 };
  #planning = false;
  /** WebRTC waits for what is being said over the WebSocket. */
  #handingOver = false;
  /** What was told of the transport last. */
  #told = 'null';

  /** @param {TransportDependencies} deps */
  constructor(deps) {
    super();
    this.#deps = deps;
    const side = (/** @type {Kind} */ kind) => {
      const made = new Side(kind, deps.createSession(kind));
      const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ run) =>
        made.session.addEventListener(type, (event) => run(/** @type {CustomEvent} */ (event).detail));
      on('track', (track) => this.#track(made, track));
      on('channel', (open) => this.#channel(made, open));
      on('message', (text) => {
        if (this.#active !== made) return;
        this.#silence.heard();
        this.#emit('message', text);
      });
      on('change', () => this.#changed(made));
      return made;
    };
    this.#sides = { webrtc: side('webrtc'), websocket: side('websocket') };
    this.#silence = new Silence({ ...deps, session: this.#sides.webrtc.session, isHidden, onChange: (silent) => this.#fellSilent(silent) });
  }

  /** @returns {Readonly<Snapshot>} */
  get snapshot() {
    return this.#now;
  }

  /** @returns {{kind: Kind, reason: Reason} | null} what is in use, and why; null before anything is */
  get transport() {
    if (!this.#active || !this.#plan) return null;
    return { kind: this.#active.kind, reason: this.#isAuto ? this.#reason : this.#plan.reason };
  }

  start() {
    if (this.#now.state === 'idle') void this.#begin();
  }

  retryNow() {
    if (this.#now.stage === 'waiting' && this.#now.state !== 'idle') void this.#begin();
  }

  /** The network or the tab came back. */
  nudge() {
    if (this.#now.retryAt !== null) this.retryNow();
    else if (this.#again !== null) this.#tryWebRtc();
  }

  restart() {
    for (const { session } of this.#both) session.restart();
  }

  /** The page's video element shows a frame. */
  frameShown() {
    this.#shown?.session.frameShown();
  }

  /** @param {string} text */
  send(text) {
    return this.#active?.session.send(text) ?? false;
  }

  buffered() {
    return this.#active?.session.buffered() ?? 0;
  }

  async drained() {
    await this.#active?.session.drained();
  }

  async stats() {
    return (await this.#active?.session.stats()) ?? null;
  }

  videoSource() {
    return this.#active?.session.videoSource() ?? null;
  }

  /** Only with WebRTC. */
  microphone() {
    return this.#active?.session.microphone() ?? null;
  }

  get #both() {
    return [this.#sides.webrtc, this.#sides.websocket];
  }

  get #isAuto() {
    return this.#plan?.mode === 'auto';
  }

  async #begin() {
    if (this.#planning) return;
    this.#planning = true;
    this.#set({ state: this.#wasLive ? 'reconnecting' : 'connecting', stage: 'signalling', failure: null, retryAt: null });
    // The WebSocket does not wait: what the server says takes a round trip, and longer while the page is first drawn.
    this.#plan = this.#deps.likely();
    if (this.#plan.mode !== 'webrtc') this.#startSide(this.#sides.websocket);
    this.#plan = await this.#deps.plan();
    this.#planning = false;
    this.#reason = 'trying';
    this.#clearAgain();
    const { mode } = this.#plan;
    for (const side of this.#both) {
      if (mode !== 'auto' && mode !== side.kind) side.session.stop();
      else this.#startSide(side);
    }
    if (mode !== 'auto') this.#active = this.#sides[mode];
    this.#tellTransport();
  }

  /** @param {Side} side */
  #startSide(side) {
    if (side.isIdle) side.session.start();
    else side.session.retryNow();
  }

  /**
   * @param {Side} side
   * @param {MediaStreamTrack} track
   */
  #track(side, track) {
    if (track.kind === 'audio') {
      side.audio = track;
      if (this.#shown === side) this.#emit('track', track);
      return;
    }
    side.endPreview();
    side.video = track;
    // Where there may be two, only when there is something to see.
    if (this.#shown === side || !this.#isAuto) this.#show(side);
    else side.preview = this.#deps.watchTrack(track, () => side.session.frameShown());
  }

  /** @param {Side} side */
  #show(side) {
    this.#shown = side;
    // Another element would wait for the next frame, which is a second away where nothing changes.
    if (side.preview) this.#emit('picture', side.preview.video);
    else if (side.video) this.#emit('track', side.video);
    side.preview = null;
    if (side.audio) this.#emit('track', side.audio);
  }

  /**
   * @param {Side} side
   * @param {boolean} open
   */
  #channel(side, open) {
    side.channel = open;
    if (!open) side.forget();
    if (this.#active === side) {
      // First of all: a connection that is not in use is not listened to.
      if (open && this.#isAuto) side.session.send(useConnection());
      this.#emit('channel', open);
    }
    if (!open && this.#shown === side) this.#shown = null;
    this.#consider(side);
  }

  /** @param {Side} side */
  #changed(side) {
    const { state, failure, stage } = side.session.snapshot;
    if (failure && FOR_BOTH.has(failure.kind) && stage === 'waiting') {
      for (const other of this.#both) if (other !== side) other.session.stop();
      this.#clearAgain();
      this.#silence.stop();
    }
    if (this.#isAuto) {
      const { webrtc, websocket } = this.#sides;
      if (side === webrtc && stage === 'waiting' && state !== 'idle' && websocket.isLive) {
        this.#reason = this.#webrtcSince > 0 ? 'lost' : 'failed';
        this.#postponeWebRtc();
      }
      // Whatever ended it may have mended the other way.
      if (side === websocket && stage === 'waiting' && state !== 'idle' && webrtc.isIdle && !FOR_BOTH.has(failure?.kind ?? '')) {
        this.#clearAgain();
        webrtc.session.start();
      }
      if (side === webrtc && stage === 'waiting' && websocket.isIdle && state !== 'idle' && !FOR_BOTH.has(failure?.kind ?? '')) websocket.session.start();
    }
    this.#consider(side);
    this.#compose();
    this.#tellTransport();
  }

  /** Takes a connection into use, where it is the better one now. @param {Side} side */
  #consider(side) {
    if (!this.#isAuto || !side.isLive || !side.channel) return;
    const { webrtc, websocket } = this.#sides;
    if (this.#active === side) {
      // It came back by itself, with a picture that is not in the page yet.
      if (this.#shown === side) return;
      this.#show(side);
      if (side === webrtc) this.#silence.start();
      return;
    }
    if (!this.#active?.isLive) this.#use(side);
    else if (side === webrtc) void this.#handOver();
    else if (this.#silence.isSilent) {
      this.#use(side);
      this.#reason = 'lost';
      this.#postponeWebRtc();
    } else websocket.session.stop();
    if (this.#active === webrtc) websocket.session.stop();
  }

  /** From the WebSocket, which works, to WebRTC. */
  async #handOver() {
    if (this.#handingOver) return;
    this.#handingOver = true;
    await this.#deps.untilSaid();
    this.#handingOver = false;
    const { webrtc, websocket } = this.#sides;
    if (!webrtc.isLive || !webrtc.channel || this.#active === webrtc) return;
    this.#use(webrtc);
    websocket.session.stop();
  }

  /** @param {Side} side */
  #use(side) {
    const before = this.#active;
    const handover = before?.isLive && before.channel && !this.#silence.isSilent;
    this.#active = side;
    this.#silence.stop();
    if (before?.channel && !handover) this.#emit('channel', false);
    if (this.#shown !== side) this.#show(side);
    side.session.send(useConnection());
    if (handover) this.#emit('handover', null);
    else this.#emit('channel', true);
    if (side.kind === 'webrtc') {
      this.#reason = 'works';
      this.#webrtcSince = this.#deps.now();
      this.#clearAgain();
      this.#silence.start();
    } else {
      this.#reason = 'trying';
    }
    this.#compose();
    this.#tellTransport();
  }

  /** WebRTC is left alone for a while. */
  #postponeWebRtc() {
    const { webrtc } = this.#sides;
    if (this.#webrtcSince > 0 && this.#deps.now() - this.#webrtcSince >= GOOD_MS) this.#attempts = 0;
    this.#webrtcSince = 0;
    this.#silence.stop();
    const wait = AGAIN_MS[Math.min(this.#attempts, AGAIN_MS.length - 1)];
    this.#attempts += 1;
    this.#clearAgain();
    this.#again = this.#deps.setTimeout(() => this.#tryWebRtc(), wait);
    webrtc.session.stop();
  }

  #tryWebRtc() {
    this.#clearAgain();
    if (this.#sides.webrtc.isIdle) this.#sides.webrtc.session.start();
  }

  /** The WebSocket begins beside a connection by which nothing comes. @param {boolean} silent */
  #fellSilent(silent) {
    const { webrtc, websocket } = this.#sides;
    if (this.#active !== webrtc || !webrtc.isLive) return;
    if (!silent) websocket.session.stop();
    else if (websocket.isIdle) websocket.session.start();
  }

  /** What the page shows of it all. */
  #compose() {
    if (!this.#plan) return;
    const { webrtc, websocket } = this.#sides;
    const running = this.#both.filter(({ isIdle }) => !isIdle);
    if (this.#planning && running.length === 0) return;
    if (this.#active?.isLive && (this.#active.channel || !this.#isAuto)) {
      this.#wasLive = true;
      return this.#set({ ...this.#active.session.snapshot, attempt: 0 });
    }
    if (running.length === 0) return this.#set({ state: 'idle', stage: 'waiting', failure: null, retryAt: null });
    const snapshots = running.map(({ session }) => session.snapshot);
    const final = snapshots.find(({ stage, failure }) => stage === 'waiting' && failure && FOR_BOTH.has(failure.kind));
    if (final) return this.#set(final);
    const trying = snapshots.filter(({ stage }) => stage !== 'waiting');
    if (trying.length > 0) {
      const [first] = trying.sort((a, b) => STAGES.indexOf(b.stage) - STAGES.indexOf(a.stage));
      // Live, but with no channel yet.
      const stage = first.stage === 'live' ? 'frame' : first.stage;
      return this.#set({ ...first, stage, state: this.#wasLive ? 'reconnecting' : 'connecting', failure: null, retryAt: null });
    }
    const failed = [websocket, webrtc].map(({ session }) => session.snapshot).find(({ failure }) => failure && failure.kind !== 'unsupported');
    const worst = failed ?? snapshots[0];
    const retries = snapshots.flatMap(({ retryAt }) => (retryAt === null ? [] : [retryAt]));
    this.#set({
      ...worst,
      failure: worst.failure && this.#explain(worst.failure),
      state: this.#wasLive && retries.length > 0 ? 'reconnecting' : 'failed',
      retryAt: retries.length > 0 ? Math.min(...retries) : null,
      attempt: Math.max(...snapshots.map(({ attempt }) => attempt)),
    });
  }

  /**
   * Where there is no way for WebRTC, the WebSocket would have been one.
   * @param {import('../core/session.js').Failure} failure
   * @returns {import('../core/session.js').Failure}
   */
  #explain(failure) {
    const noWay = failure.kind === 'ice' || (failure.kind === 'server' && failure.text.includes('ICE failed'));
    const notHere = failure.kind === 'unsupported' && this.#plan?.mode === 'websocket';
    return (noWay || notHere) && this.#plan?.lacks === 'https' ? { kind: 'https', text: '' } : failure;
  }

  /** @param {Partial<Snapshot>} part */
  #set(part) {
    const before = JSON.stringify(this.#now);
    this.#now = { ...this.#now, ...part };
    if (JSON.stringify(this.#now) !== before) this.#emit('change', this.#now);
  }

  #clearAgain() {
    this.#deps.clearTimeout(this.#again);
    this.#again = null;
  }

  #tellTransport() {
    const { transport } = this;
    const before = this.#told;
    this.#told = JSON.stringify(transport);
    if (this.#told !== before) this.#emit('transport', transport);
  }

  /**
   * @param {'change' | 'track' | 'picture' | 'channel' | 'handover' | 'transport' | 'message'} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function isHidden() {
  return typeof document !== 'undefined' && document.hidden;
}
