import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { makePlan, pageName } from '../js/transport/plan.js';
import { Transports } from '../js/transport/transports.js';
import { FakeClock, settle } from './helpers.js';

/** A session of straw: the tests say what happens to it. */
class FakeSession extends EventTarget {
  snapshot = { state: 'idle', stage: 'waiting', failure: null, retryAt: null, attempt: 0 };
  starts = 0;
  sent = [];
  bytes = 0;
  flow = 0;
  rtt = 0.01;
  answers = false;

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
  set(part) {
    this.snapshot = { ...this.snapshot, ...part };
    this.emit('change', this.snapshot);
  }
  start() {
    this.starts += 1;
    this.set({ state: 'connecting', stage: 'signalling', failure: null, retryAt: null });
  }
  retryNow() {
    if (this.snapshot.stage === 'waiting') this.start();
  }
  stop() {
    if (this.snapshot.state === 'idle') return;
    this.emit('channel', false);
    this.set({ state: 'idle', stage: 'waiting', failure: null, retryAt: null });
  }
  restart() {}
  frameShown() {
    this.set({ state: 'live', stage: 'live' });
  }
  send(text) {
    this.sent.push(text);
    if (text === '_alive' && this.answers) queueMicrotask(() => this.emit('message', '{"type": "alive", "data": {}}'));
    return true;
  }
  buffered = () => 0;
  stats = async () =>
    new Map([
      ['v', { type: 'inbound-rtp', bytesReceived: (this.bytes += this.flow) }],
      ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
      ['p', { type: 'candidate-pair', currentRoundTripTime: this.rtt }],
    ]);

  /** Everything that a connection that works does. */
  connect(name) {
    this.emit('track', { kind: 'video', name });
    this.emit('channel', true);
    this.frameShown();
  }
  fail(kind, text = '') {
    this.emit('channel', false);
    this.set({ state: 'failed', stage: 'waiting', failure: { kind, text }, retryAt: 500 });
  }
}

let clock, webrtc, websocket, transports, likely, plan, tracks, channels, handovers, reasons, states, said;

beforeEach(() => {
  clock = new FakeClock();
  likely = plan = { mode: 'auto', reason: 'trying', lacks: null };
  tracks = [];
  channels = [];
  handovers = 0;
  reasons = [];
  said = Promise.resolve();
  states = [];
  transports = new Transports({
    createSession: (kind) => (kind === 'webrtc' ? (webrtc = new FakeSession()) : (websocket = new FakeSession())),
    likely: () => likely,
    plan: async () => plan,
    watchTrack: (track) => ({ video: track, end: () => {} }),
    untilSaid: () => said,
    setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, now: clock.now,
  });
  transports.addEventListener('track', ({ detail }) => tracks.push(detail.name));
  transports.addEventListener('picture', ({ detail }) => tracks.push(`${detail.name}!`));
  transports.addEventListener('channel', ({ detail }) => channels.push(detail));
  transports.addEventListener('handover', () => (handovers += 1));
  transports.addEventListener('transport', ({ detail }) => reasons.push(detail && `${detail.kind} ${detail.reason}`));
  transports.addEventListener('change', ({ detail }) => states.at(-1) === detail.state || states.push(detail.state));
});

async function start() {
  transports.start();
  await settle();
}

/** Both work: WebRTC is in use. */
async function onWebRtc() {
  await start();
  websocket.connect('s');
  webrtc.flow = 100;
  webrtc.connect('w');
  await settle();
}

describe('two transports', () => {
  it('begins both at once, shows the first and settles on WebRTC', async () => {
    await start();
    assert.deepEqual([webrtc.starts, websocket.starts, transports.snapshot.state], [1, 1, 'connecting']);
    websocket.connect('s');
    assert.equal(transports.snapshot.state, 'live');
    assert.deepEqual(transports.transport, { kind: 'websocket', reason: 'trying' });
    assert.deepEqual(websocket.sent, ['_transport,use']);
    webrtc.emit('track', { kind: 'video', name: 'w' });
    assert.deepEqual(tracks, ['s!'], 'not before there is something to see');
    webrtc.frameShown();
    assert.equal(transports.transport.kind, 'websocket', 'nor before it can be acted through');
    webrtc.emit('channel', true);
    await settle();
    assert.deepEqual(transports.transport, { kind: 'webrtc', reason: 'works' });
    assert.deepEqual([tracks, channels, handovers, states], [['s!', 'w!'], [true], 1, ['connecting', 'live']]);
    assert.deepEqual(reasons, ['websocket trying', 'webrtc works']);
    assert.deepEqual([webrtc.sent, websocket.snapshot.state], [['_transport,use'], 'idle']);
    transports.send('kd,1');
    assert.deepEqual(webrtc.sent, ['_transport,use', 'kd,1']);
  });

  it('ends what is being said over the WebSocket before it changes', async () => {
    await start();
    websocket.connect('s');
    let end;
    said = new Promise((resolve) => (end = resolve));
    webrtc.connect('w');
    await settle();
    assert.equal(transports.transport.kind, 'websocket');
    end();
    await settle();
    assert.deepEqual([transports.transport.kind, websocket.snapshot.state, handovers], ['webrtc', 'idle', 1]);
  });

  it('shows the new picture of a connection that ended and came back by itself', async () => {
    await onWebRtc();
    webrtc.fail('server', 'the encoder is changed');
    webrtc.retryNow();
    webrtc.connect('w2');
    assert.deepEqual([transports.transport.kind, transports.snapshot.state], ['webrtc', 'live']);
    assert.deepEqual(tracks, ['s!', 'w!', 'w2!']);
  });

  it('says that a connection is in use before anything else', async () => {
    transports.addEventListener('picture', ({ detail }) => tracks.push(`${detail.name}!`));
  transports.addEventListener('channel', ({ detail }) => detail && transports.send('kr'));
    transports.addEventListener('handover', () => transports.send('kr'));
    await onWebRtc();
    webrtc.flow = 0;
    await clock.advance(3000);
    websocket.sent.length = 0;
    websocket.connect('s2');
    assert.deepEqual([webrtc.sent, websocket.sent], [['_transport,use', 'kr', '_alive'], ['_transport,use', 'kr']]);
    assert.deepEqual([channels, handovers], [[true, false, true], 1], 'what was said over a connection that is dead is lost');
  });

  it('does without the WebSocket where WebRTC is first', async () => {
    await start();
    webrtc.connect('w');
    assert.equal(transports.transport.kind, 'webrtc');
    assert.equal(websocket.snapshot.state, 'idle');
    assert.deepEqual(states, ['connecting', 'live']);
  });

  it('stays with the WebSocket where WebRTC finds no way, and tries again later and later', async () => {
    await start();
    websocket.connect('s');
    for (const wait of [3000, 6000, 12_000, 30_000, 60_000, 60_000]) {
      webrtc.fail('ice');
      assert.deepEqual(transports.transport, { kind: 'websocket', reason: 'failed' });
      const before = webrtc.starts;
      await clock.advance(wait - 1);
      assert.equal(webrtc.starts, before, String(wait));
      await clock.advance(1);
      assert.equal(webrtc.starts, before + 1, String(wait));
    }
    webrtc.connect('w');
    await settle();
    assert.equal(transports.transport.kind, 'webrtc');
    assert.deepEqual(states, ['connecting', 'live'], 'nothing of it covers the desktop');
  });

  it('goes over to the WebSocket when nothing comes any more, long before WebRTC notices', async () => {
    await onWebRtc();
    await clock.advance(5000);
    assert.equal(websocket.starts, 1);
    webrtc.flow = 0;
    await clock.advance(400);
    assert.deepEqual([webrtc.sent, websocket.starts], [['_transport,use', '_alive'], 1]);
    await clock.advance(400);
    assert.equal(websocket.starts, 2);
    websocket.connect('s2');
    assert.deepEqual(transports.transport, { kind: 'websocket', reason: 'lost' });
    assert.equal(webrtc.snapshot.state, 'idle');
    assert.deepEqual(states, ['connecting', 'live']);
    await clock.advance(3000);
    assert.equal(webrtc.starts, 2);
  });

  it('stays where the server answers though there is nothing to see', async () => {
    await onWebRtc();
    await clock.advance(5000);
    webrtc.flow = 0;
    webrtc.answers = true;
    await clock.advance(10_000);
    assert.deepEqual([websocket.starts, transports.transport.kind], [1, 'webrtc']);
    assert.ok(webrtc.sent.length < 25, 'and is not asked all the time');
  });

  it('gives a slow connection time for its answer', async () => {
    await onWebRtc();
    webrtc.rtt = 0.5;
    await clock.advance(5000);
    webrtc.flow = 0;
    await clock.advance(1700);
    assert.equal(websocket.starts, 1);
    await clock.advance(400);
    assert.equal(websocket.starts, 2);
  });

  it('changes its mind when WebRTC was only late', async () => {
    await onWebRtc();
    await clock.advance(5000);
    webrtc.flow = 0;
    await clock.advance(1500);
    webrtc.flow = 100;
    await clock.advance(600);
    assert.deepEqual([websocket.starts, websocket.snapshot.state, transports.transport.kind], [2, 'idle', 'webrtc']);
  });

  it('waits longer where little came anyway', async () => {
    await onWebRtc();
    await clock.advance(600);
    webrtc.flow = 0;
    await clock.advance(1400);
    assert.equal(websocket.starts, 1);
    await clock.advance(1000);
    assert.equal(websocket.starts, 2);
  });

  it('goes on with the WebSocket when WebRTC itself says that it failed', async () => {
    await onWebRtc();
    webrtc.fail('lost');
    assert.equal(transports.snapshot.state, 'reconnecting');
    websocket.connect('s2');
    assert.equal(transports.snapshot.state, 'live');
    assert.deepEqual(tracks, ['s!', 'w!', 's2!']);
  });

  it('tries both when the server is gone', async () => {
    await onWebRtc();
    webrtc.fail('lost');
    websocket.fail('unreachable');
    assert.equal(transports.snapshot.state, 'reconnecting');
    assert.equal(transports.snapshot.failure.kind, 'unreachable');
    assert.equal(transports.snapshot.retryAt, 500);
    transports.nudge();
    await settle();
    assert.deepEqual([webrtc.snapshot.stage, websocket.snapshot.stage], ['signalling', 'signalling']);
  });

  it('ends both where the session was ended, or the password is wrong', async () => {
    for (const kind of ['ended', 'auth']) {
      await onWebRtc();
      webrtc.emit('channel', false);
      webrtc.set({ state: 'failed', stage: 'waiting', failure: { kind, text: 'x' }, retryAt: null });
      assert.deepEqual([transports.snapshot.state, transports.snapshot.failure.kind], ['failed', kind]);
      await clock.advance(100_000);
      assert.equal(websocket.snapshot.state, 'idle');
      transports.retryNow();
      await settle();
    }
  });

  it('uses one only where that is the plan', async () => {
    likely = plan = { mode: 'websocket', reason: 'chosen', lacks: null };
    await start();
    assert.deepEqual([webrtc.starts, websocket.starts], [0, 1]);
    websocket.connect('s');
    assert.deepEqual([transports.transport, websocket.sent, channels], [{ kind: 'websocket', reason: 'chosen' }, [], [true]]);
  });

  it('does not wait for the server with the WebSocket, and ends it where the server has none', async () => {
    let told;
    plan = new Promise((resolve) => (told = resolve));
    transports.start();
    assert.deepEqual([webrtc.starts, websocket.starts], [0, 1]);
    websocket.connect('s');
    assert.deepEqual([transports.snapshot.state, transports.transport.kind], ['live', 'websocket']);
    told({ mode: 'webrtc', reason: 'only', lacks: null });
    await settle();
    assert.deepEqual([webrtc.starts, websocket.snapshot.state, transports.snapshot.state], [1, 'idle', 'reconnecting']);
    webrtc.connect('w');
    assert.deepEqual([transports.snapshot.state, transports.transport.kind, tracks], ['live', 'webrtc', ['s!', 'w']]);
  });

  it('says what would help where the page lacks https', async () => {
    likely = plan = { mode: 'webrtc', reason: 'https', lacks: 'https' };
    await start();
    webrtc.fail('server', 'no network path between browser and desktop (ICE failed); …');
    assert.equal(transports.snapshot.failure.kind, 'https');
  });
});

describe('the plan', () => {
  const facts = { wanted: null, chosen: 'auto', offered: undefined, lacks: null };

  it('is both, unless something speaks against it', () => {
    const mode = (more) => {
      const made = makePlan({ ...facts, ...more });
      return `${made.mode} ${made.reason}`;
    };
    assert.equal(mode({}), 'auto trying');
    assert.equal(mode({ chosen: 'websocket' }), 'websocket chosen');
    assert.equal(mode({ chosen: 'websocket', wanted: 'webrtc' }), 'webrtc chosen');
    assert.equal(mode({ chosen: 'websocket', wanted: 'pigeon' }), 'websocket chosen');
    assert.equal(mode({ chosen: 'websocket', lacks: 'https' }), 'webrtc https');
    assert.equal(mode({ chosen: 'webrtc', offered: 'websocket' }), 'websocket only');
  });

  it('has a name for the page', () => {
    assert.match(pageName(), /^[0-9a-f]{32}$/);
    assert.notEqual(pageName(), pageName());
  });
});
