import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Latency } from '../js/core/latency.js';
import { linePoints } from '../js/ui/graph.js';
import { bars } from '../js/ui/waterfall.js';

/** The page's clock begins here; that of the server is three seconds behind. */
const ORIGIN = 1_800_000_000_000;
const OFFSET = 3000;
const frame = (start, extra = {}) => ({
  rtpTimestamp: start, receiveTime: start + 30, processingDuration: 0.004, presentationTime: start + 36, expectedDisplayTime: start + 48, ...extra,
});
const source = (start) => ({ rtpTimestamp: start, captureTimestamp: 2_208_988_800_000 + ORIGIN + start - OFFSET });

describe('Latency', () => {
  it('splits the way of a frame, and what it splits adds up', () => {
    const latency = new Latency(ORIGIN);
    latency.add(frame(1000), source(1000));
    assert.deepEqual(latency.stages(20, OFFSET), { server: 20, network: 10, buffer: 2, decode: 4, display: 12, total: 48 });
  });

  it('takes the median, so that one late frame does not jump', () => {
    const latency = new Latency(ORIGIN);
    for (const start of [1000, 2000, 3000]) latency.add(frame(start), source(start));
    latency.add(frame(4000, { expectedDisplayTime: 9000 }), source(4000));
    assert.equal(latency.stages(20, OFFSET)?.display, 12);
  });

  it('believes the report that came quickest', () => {
    const latency = new Latency(ORIGIN);
    latency.add(frame(1000), source(1000));
    latency.stages(20, OFFSET);
    assert.equal(latency.stages(20, OFFSET + 500)?.total, 48);
    for (let late = 1; late <= 12; late++) latency.stages(20, OFFSET + 20 + late / 1000);
    assert.equal(Math.round(latency.stages(20, null)?.total ?? 0), 28);
  });

  it('takes the time from the server where the browser does not tell it', () => {
    const latency = new Latency(ORIGIN);
    // Ninety ticks a millisecond, and past the end of 32 bits.
    const rtp = (milliseconds) => (2 ** 32 - 90 * 500 + 90 * milliseconds) % 2 ** 32;
    const clock = (at, late = 0) => latency.tellClock(rtp(at), ORIGIN + at - OFFSET + late);
    latency.add(frame(900, { rtpTimestamp: rtp(900) }), { rtpTimestamp: rtp(900) });
    assert.equal(latency.stages(20, OFFSET)?.total, null);
    // One of them is of another picture.
    for (const [at, late] of [[100, 0], [400, 16], [700, 0]]) clock(at, late);
    latency.add(frame(1000, { rtpTimestamp: rtp(1000) }), { rtpTimestamp: rtp(1000) });
    assert.equal(latency.stages(20, OFFSET)?.total, 48);
  });

  it('says what it does not know', () => {
    const latency = new Latency(ORIGIN);
    assert.equal(latency.stages(20, 0), null);
    latency.add({ presentationTime: 10, expectedDisplayTime: 18 }, null);
    const unknown = { server: null, network: null, buffer: null, decode: null, display: 8, total: null };
    assert.deepEqual(latency.stages(20, 0), unknown);
    latency.forget();
    // The source tells of a later frame already.
    latency.add(frame(0), source(1));
    assert.equal(latency.stages(20, OFFSET)?.total, null);
    latency.forget();
    latency.add(frame(0), source(0));
    assert.equal(latency.stages(20, null)?.total, null);
    assert.deepEqual([latency.stages(null, OFFSET)?.server, latency.stages(null, OFFSET)?.network], [30, null]);
    // A round trip longer than the whole way: never below zero.
    assert.deepEqual([latency.stages(500, OFFSET)?.server, latency.stages(500, OFFSET)?.network], [0, 30]);
  });
});

describe('bars of the waterfall', () => {
  it('lie one after the other and fill the whole', () => {
    const shown = bars({ server: 20, network: 10, buffer: null, decode: 5, display: 5, total: 40 });
    assert.deepEqual(shown.map(({ name }) => name), ['server', 'network', 'decode', 'display']);
    assert.deepEqual(shown.map(({ start }) => start), [0, 50, 75, 87.5]);
    assert.equal(shown.reduce((sum, { width }) => sum + width, 0), 100);
  });
  it('survive a frame that took no time', () => {
    assert.ok(bars({ server: null, network: null, buffer: null, decode: 0, display: 0, total: 0 }).every(({ width }) => width === 0));
  });
});

describe('linePoints', () => {
  it('ends at the right edge, and is as high as the largest value', () => {
    assert.equal(linePoints([0, 50, 100], 10), '57,23.0 58,12.5 59,2.0');
  });
  it('does not blow up what is small', () => {
    assert.equal(linePoints([1], 10), '59,20.9');
  });
});
