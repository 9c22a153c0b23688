import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JitterBuffer } from '../js/worker/jitter.js';

const RATE = 48_000;
/** Milliseconds of a rising count, so that each sample is known. */
function source() {
  let next = 1;
  return (ms) => [Float32Array.from({ length: (RATE * ms) / 1000 }, () => next++)];
}
const out = (samples = 128) => [new Float32Array(samples)];

describe('the jitter buffer', () => {
  it('begins when enough is there, and then plays every sample in order', () => {
    const buffer = new JitterBuffer(RATE);
    const piece = source();
    const played = [];
    const pull = () => {
      const output = out();
      buffer.pull(output);
      played.push(...output[0]);
    };
    buffer.push(piece(10));
    pull();
    assert.ok(played.every((sample) => sample === 0));
    for (let n = 0; n < 4; n++) buffer.push(piece(10));
    played.length = 0;
    for (let n = 0; n < 10; n++) pull();
    assert.deepEqual(played, Array.from({ length: 1280 }, (_, n) => n + 1));
  });

  it('waits longer after it ran empty, and shorter again when that is never needed', () => {
    const buffer = new JitterBuffer(RATE);
    const piece = source();
    const before = buffer.target;
    for (let n = 0; n < 5; n++) buffer.push(piece(10));
    for (let n = 0; n < 30; n++) buffer.pull(out());
    assert.ok(buffer.target > before);
    const after = buffer.target;
    // As regular as can be, for a minute.
    for (let n = 0; n < 10; n++) buffer.push(piece(10));
    for (let n = 0; n < 6000; n++) {
      buffer.push(piece(10));
      buffer.pull(out(480));
    }
    assert.ok(buffer.target < after && buffer.level < 0.1, `${buffer.target} ${buffer.level}`);
  });

  it('does not play late what a long gap has held up', () => {
    const buffer = new JitterBuffer(RATE);
    const piece = source();
    for (let n = 0; n < 500; n++) buffer.push(piece(10));
    assert.ok(buffer.level < 0.5, String(buffer.level));
  });

  it('gives one channel to both ears, and survives pieces of nothing', () => {
    const buffer = new JitterBuffer(RATE);
    buffer.push([]);
    buffer.push([new Float32Array(0)]);
    buffer.push([new Float32Array(4800).fill(0.5)]);
    const stereo = [new Float32Array(128), new Float32Array(128)];
    buffer.pull(stereo);
    assert.deepEqual([stereo[0][0], stereo[1][127]], [0.5, 0.5]);
  });
});
