import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { openSignalling, signallingUrl } from '../js/core/signalling.js';

class FakeSocket extends EventTarget {
  static OPEN = 1;
  static last;
  readyState = 0;
  sent = [];
  constructor(url) {
    super();
    this.url = String(url);
    FakeSocket.last = this;
  }
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.fire('close', { code: 1000, reason: '' });
  }
  fire(type, fields = {}) {
    if (type === 'open') this.readyState = 1;
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

let log, signalling, socket;
beforeEach(() => {
  log = [];
  signalling = openSignalling(new URL('ws://h/'), { width: 640, height: 480, scale: 1 }, {
    onReady: () => log.push('ready'),
    onSignal: (signal) => log.push(signal.kind),
    onError: (text) => log.push(`error ${text}`),
    onClose: ({ code, reason }) => log.push(`close ${code} ${reason}`),
  }, FakeSocket);
  socket = FakeSocket.last;
});

describe('signalling', () => {
  it('lives below the page', () => {
    assert.equal(signallingUrl(new URL('https://h/a/b/')).href, 'wss://h/a/b/webrtc/signalling/');
    assert.equal(signallingUrl(new URL('http://h:8080/index.html?x#y')).href, 'ws://h:8080/webrtc/signalling/');
  });

  it('says hello first and passes on what it understands', () => {
    signalling.send('too early');
    assert.deepEqual(socket.sent, []);
    socket.fire('open');
    assert.match(socket.sent[0], /^HELLO 1 /);
    for (const data of ['HELLO', '{"sdp":{"type":"offer","sdp":"x"}}', 'garbage', '{"ice":{"candidate":"c","sdpMLineIndex":0}}', 'ERROR no']) socket.fire('message', { data });
    assert.deepEqual(log, ['ready', 'offer', 'candidate', 'error no']);
  });

  it('reports its end once, and not when we ended it', () => {
    socket.fire('close', { code: 1006, reason: 'x' });
    socket.fire('close', { code: 1006, reason: 'x' });
    assert.deepEqual(log, ['close 1006 x']);
  });

  it('is silent after close()', () => {
    socket.fire('open');
    signalling.close();
    socket.fire('message', { data: 'HELLO' });
    assert.deepEqual(log, []);
  });
});
