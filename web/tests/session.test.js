import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { backoff } from '../js/core/backoff.js';
import { HttpError, Session } from '../js/core/session.js';
import { FakeClock, settle } from './helpers.js';

let clock, sockets, peers, world, session;

/** A server of straw: the tests pull the handlers' strings. */
beforeEach(() => {
  clock = new FakeClock();
  sockets = [];
  peers = [];
  world = { health: 'up', config: async () => ({ iceServers: [] }), bytes: 0, frames: 0, random: 0.5 };
  session = new Session({
    fetchConfig: () => world.config(),
    probeHealth: async () => world.health,
    openSignalling: (handlers) => {
      const socket = { handlers, sent: [], closed: false, send: (text) => socket.sent.push(text), close: () => (socket.closed = true) };
      sockets.push(socket);
      return socket;
    },
    createPeer: (config, handlers) => {
      const peer = {
        config, handlers, candidates: [], closed: false,
        answerOffer: async (sdp) => {
          if (sdp === 'bad') throw new Error('no');
          return `answer to ${sdp}`;
        },
        addCandidate: async (candidate) => void peer.candidates.push(candidate.candidate),
        send: () => true, buffered: () => 0, close: () => (peer.closed = true),
        stats: async () => new Map([['v', { type: 'inbound-rtp', kind: 'video', bytesReceived: (world.bytes += world.flow ?? 0), framesDecoded: world.frames }]]),
      };
      peers.push(peer);
      return peer;
    },
    setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, now: clock.now, random: () => world.random,
  });
});

const last = (list) => list[list.length - 1];
const at = () => `${session.snapshot.state}/${session.snapshot.stage}`;

async function goLive() {
  const socket = last(sockets);
  socket.handlers.onReady();
  socket.handlers.onSignal({ kind: 'offer', sdp: 'o' });
  await settle();
  last(peers).handlers.onState('connected');
  session.frameShown();
  assert.equal(at(), 'live/live');
}

describe('backoff', () => {
  it('doubles up to ten seconds, a fifth either way', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 99].map((n) => backoff(n, () => 0.5)), [500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
    assert.equal(backoff(0, () => 0), 400);
    assert.ok(backoff(5, () => 0.999) <= 12000);
  });
});

describe('connecting', () => {
  it('goes through the stages', async () => {
    const seen = [];
    session.addEventListener('change', () => last(seen) === at() || seen.push(at()));
    session.start();
    await settle();
    await goLive();
    assert.deepEqual(seen, ['connecting/signalling', 'connecting/negotiating', 'connecting/ice', 'connecting/frame', 'live/live']);
    assert.equal(JSON.parse(sockets[0].sent[0]).sdp.sdp, 'answer to o');
  });

  it('keeps signals in order while the configuration is on its way', async () => {
    let give;
    world.config = () => new Promise((resolve) => (give = resolve));
    session.start();
    const { handlers } = sockets[0];
    handlers.onReady();
    handlers.onSignal({ kind: 'candidate', candidate: { candidate: 'a' } });
    handlers.onSignal({ kind: 'offer', sdp: 'o' });
    handlers.onSignal({ kind: 'candidate', candidate: { candidate: 'b' } });
    await settle();
    assert.equal(peers.length, 0);
    give({ iceServers: [{ urls: 'turn:x' }] });
    await settle();
    assert.deepEqual(peers[0].candidates, ['a', 'b']);
    assert.equal(peers[0].config.iceServers[0].urls, 'turn:x');
    assert.equal(at(), 'connecting/ice');
  });

  it('sends its own candidates whole', async () => {
    session.start();
    await settle();
    peers[0].handlers.onCandidate({ candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 });
    assert.deepEqual(JSON.parse(sockets[0].sent[0]), { ice: { candidate: 'c', sdpMid: '0', sdpMLineIndex: 0 } });
  });

  it('becomes live in a hidden tab, where nothing is drawn', async () => {
    session.start();
    await settle();
    sockets[0].handlers.onReady();
    peers[0].handlers.onState('connected');
    world.frames = 1;
    await clock.advance(1000);
    assert.equal(at(), 'live/live');
  });
});

describe('failing', () => {
  for (const [health, kind] of [['up', 'signalling'], ['auth', 'auth'], ['unreachable', 'unreachable']]) {
    it(`explains a refused socket: health ${health}`, async () => {
      world.health = health;
      session.start();
      await settle();
      sockets[0].handlers.onClose({ code: 1006, reason: '' });
      await settle();
      assert.equal(session.snapshot.state, 'failed');
      assert.equal(session.snapshot.failure.kind, kind);
      assert.equal(session.snapshot.retryAt === null, kind === 'auth');
    });
  }

  it('knows 401 and a dead server from the configuration request', async () => {
    world.config = async () => Promise.reject(new HttpError(401));
    session.start();
    await settle();
    assert.equal(session.snapshot.failure.kind, 'auth');
    world.config = async () => Promise.reject(new TypeError('fetch failed'));
    session.retryNow();
    await settle();
    assert.equal(session.snapshot.failure.kind, 'unreachable');
  });

  it("shows the server's own words", async () => {
    session.start();
    await settle();
    sockets[0].handlers.onError('no encoder');
    assert.deepEqual(session.snapshot.failure, { kind: 'server', text: 'no encoder' });
    assert.ok(sockets[0].closed && peers[0].closed);
  });

  it('names the stage that hangs', async () => {
    const kinds = [];
    session.addEventListener('change', ({ detail }) => detail.stage === 'waiting' && kinds.push(detail.failure.kind));
    session.start();
    await clock.advance(15_000);
    await clock.advance(500);
    last(sockets).handlers.onReady();
    await clock.advance(15_000);
    await clock.advance(1000);
    last(sockets).handlers.onReady();
    last(sockets).handlers.onSignal({ kind: 'offer', sdp: 'o' });
    await clock.advance(15_000);
    await clock.advance(8000);
    last(sockets).handlers.onReady();
    last(peers).handlers.onState('connected');
    await clock.advance(15_000);
    assert.deepEqual(kinds, ['signalling', 'offer', 'ice', 'frame']);
  });

  it('reports an offer the browser does not take, and ICE that fails', async () => {
    session.start();
    await settle();
    sockets[0].handlers.onSignal({ kind: 'offer', sdp: 'bad' });
    await settle();
    assert.equal(session.snapshot.failure.kind, 'offer');
    session.retryNow();
    await settle();
    last(peers).handlers.onState('failed');
    assert.equal(session.snapshot.failure.kind, 'ice');
    assert.ok(session.snapshot.retryAt - clock.time >= 8000, 'what to do is there long enough to be read');
  });

  it('waits longer each time and comes back by itself', async () => {
    session.start();
    const waits = [];
    for (let i = 0; i < 8; i++) {
      await settle();
      last(sockets).handlers.onError('busy');
      waits.push(session.snapshot.retryAt - clock.time);
      const before = sockets.length;
      await clock.advance(waits[i] - 1);
      assert.equal(sockets.length, before);
      await clock.advance(1);
      assert.equal(sockets.length, before + 1);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
  });

  it('tries at once when nudged, but not when only the user can help', async () => {
    session.start();
    await settle();
    session.nudge();
    assert.equal(sockets.length, 1);
    last(sockets).handlers.onError('busy');
    session.nudge();
    assert.equal(sockets.length, 2);
    await clock.advance(0);
    last(sockets).handlers.onClose({ code: 4001, reason: 'taken over' });
    session.nudge();
    assert.equal(sockets.length, 2);
    session.retryNow();
    assert.equal(sockets.length, 3);
  });
});

describe('once live', () => {
  beforeEach(async () => {
    world.flow = 100;
    session.start();
    await settle();
    await goLive();
  });

  it('reconnects when the socket drops', async () => {
    sockets[0].handlers.onClose({ code: 1006, reason: '' });
    assert.equal(at(), 'reconnecting/waiting');
    await clock.advance(500);
    assert.equal(at(), 'reconnecting/signalling');
    await goLive();
    assert.equal(session.snapshot.failure, null);
  });

  it('comes back at once when the server restarts its picture', async () => {
    sockets[0].handlers.onClose({ code: 1012, reason: 'another encoder' });
    assert.equal(at(), 'reconnecting/signalling');
    await settle();
    await goLive();
    assert.equal(session.snapshot.failure, null);
    // But not again and again, where that does not help.
    session.restart();
    last(sockets).handlers.onClose({ code: 1012, reason: 'another encoder' });
    assert.equal(at(), 'reconnecting/waiting');
  });

  it('stays away when the server says goodbye for a reason', async () => {
    sockets[0].handlers.onClose({ code: 4001, reason: 'Another browser took over' });
    assert.equal(at(), 'failed/waiting');
    assert.deepEqual(session.snapshot.failure, { kind: 'ended', text: 'Another browser took over' });
    await clock.advance(60_000);
    assert.equal(sockets.length, 1);
  });

  it('forgives a short disconnection and no long one', async () => {
    peers[0].handlers.onState('disconnected');
    await clock.advance(3000);
    peers[0].handlers.onState('connected');
    await clock.advance(5000);
    assert.equal(at(), 'live/live');
    peers[0].handlers.onState('disconnected');
    await clock.advance(3999);
    assert.equal(at(), 'live/live');
    await clock.advance(1);
    assert.equal(session.snapshot.state, 'reconnecting');
  });

  it('notices eight silent seconds, and only silence', async () => {
    await clock.advance(30_000);
    assert.equal(at(), 'live/live');
    world.flow = 0;
    await clock.advance(6000);
    assert.equal(at(), 'live/live');
    await clock.advance(3000);
    assert.equal(session.snapshot.failure.kind, 'stalled');
  });

  it('does not hammer a server that drops every session at once', async () => {
    const waits = [];
    for (let i = 0; i < 3; i++) {
      last(sockets).handlers.onClose({ code: 1006, reason: '' });
      waits.push(session.snapshot.retryAt - clock.time);
      await clock.advance(last(waits));
      await goLive();
    }
    assert.deepEqual(waits, [500, 1000, 2000]);
    await clock.advance(10_000);
    last(sockets).handlers.onClose({ code: 1006, reason: '' });
    assert.equal(session.snapshot.retryAt - clock.time, 500);
  });

  it('does not listen to a connection it has left', async () => {
    const [socket] = sockets;
    const [peer] = peers;
    session.restart();
    await settle();
    socket.handlers.onError('old');
    peer.handlers.onState('failed');
    assert.equal(at(), 'reconnecting/signalling');
    assert.equal(session.snapshot.failure, null);
    assert.ok(socket.closed && peer.closed);
  });

  it('leaves no timer behind when it gives up', async () => {
    sockets[0].handlers.onClose({ code: 1008, reason: 'no' });
    await settle();
    assert.equal(clock.pending, 0);
  });
});
