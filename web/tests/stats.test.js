import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { received, summarise } from '../js/core/stats.js';

const report = (seconds, local = { candidateType: 'host', protocol: 'udp' }) => new Map(Object.entries({
  v: { type: 'inbound-rtp', kind: 'video', codecId: 'c', timestamp: seconds * 1000, bytesReceived: seconds * 1_000_000, framesDecoded: seconds * 60, totalDecodeTime: seconds * 0.12, jitterBufferDelay: seconds * 0.3, jitterBufferEmittedCount: seconds * 60, packetsLost: seconds, packetsReceived: seconds * 99, remoteId: 's', frameWidth: 1920, frameHeight: 1080 },
  a: { type: 'inbound-rtp', kind: 'audio', timestamp: seconds * 1000, bytesReceived: seconds * 1000, packetsLost: 1 },
  s: { type: 'remote-outbound-rtp', timestamp: 5_000_106, remoteTimestamp: 5_000_000 },
  c: { type: 'codec', mimeType: 'video/H264' },
  t: { type: 'transport', selectedCandidatePairId: 'p' },
  p: { type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', currentRoundTripTime: 0.012 },
  l: { type: 'local-candidate', ...local },
  r: { type: 'remote-candidate', candidateType: 'host' },
}));

describe('stats', () => {
  it('tells rates from two reports', () => {
    const first = summarise(report(10), null);
    assert.equal(first.numbers.fps, null);
    const { numbers } = summarise(report(12), first.totals);
    assert.equal(numbers.fps, 60);
    assert.equal(numbers.bitsPerSecond, 8_008_000);
    assert.equal(numbers.decodeMs.toFixed(3), '2.000');
    assert.equal(numbers.jitterBufferMs.toFixed(3), '5.000');
    assert.deepEqual([numbers.rttMs, numbers.packetsLost, numbers.codec, numbers.width], [12, 13, 'H264', 1920]);
    assert.equal(numbers.lossPercent, 1);
    // A sender report that came 106 ms after it left, of which 6 are the network's.
    assert.equal(numbers.clockOffsetMs, 100);
  });

  it('starts over with a new connection', () => {
    const { totals } = summarise(report(50), null);
    assert.equal(summarise(report(1), totals).numbers.fps, null);
  });

  it('names the route', () => {
    const route = (local) => {
      const { numbers } = summarise(report(1, local), null);
      return [numbers.route, numbers.transport];
    };
    assert.deepEqual(route(undefined), ['direct', 'UDP']);
    assert.deepEqual(route({ candidateType: 'srflx', protocol: 'udp' }), ['nat', 'UDP']);
    assert.deepEqual(route({ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' }), ['relay', 'TLS']);
  });

  it('bears an empty report', () => {
    assert.deepEqual(received([]), { bytes: 0, frames: 0 });
    assert.equal(summarise([], null).numbers.rttMs, null);
  });
});
