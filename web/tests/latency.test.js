import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Latency } from '../js/core/latency.js';
import { linePoints } from '../js/ui/graph.js';
import { bars } from '../js/ui/waterfall.js';

const frame = (start, extra = {}) => ({
  captureTime: start, receiveTime: start + 30, processingDuration: 0.004, presentationTime: start + 36, expectedDisplayTime: start + 48, ...extra,
});

describe('Latency', () => {
  it('splits the way of a frame, and what it splits adds up', () => {
    const latency = new Latency();
    latency.add(frame(1000));
    const stages = latency.stages(20);
    assert.deepEqual(stages, { server: 20, network: 10, buffer: 2, decode: 4, display: 12, total: 48 });
  });

  it('takes the median, so that one late frame does not jump', () => {
    const latency = new Latency();
    for (const start of [1000, 2000, 3000]) latency.add(frame(start));
    latency.add(frame(4000, { expectedDisplayTime: 9000 }));
    assert.equal(latency.stages(20)?.display, 12);
  });

  it('says what it does not know', () => {
    const latency = new Latency();
    assert.equal(latency.stages(20), null);
    latency.add({ presentationTime: 10, expectedDisplayTime: 18 });
    assert.deepEqual(latency.stages(20), { server: null, network: null, buffer: null, decode: null, display: 8, total: null });
    latency.forget();
    latency.add(frame(0));
    assert.deepEqual([latency.stages(null)?.server, latency.stages(null)?.network], [30, null]);
    // A round trip longer than the whole way: never below zero.
    assert.deepEqual([latency.stages(500)?.server, latency.stages(500)?.network], [0, 30]);
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
