import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeFrame, decodeOwn, needsKeyframe, received } from '../js/worker/wire.js';

describe('frames of the WebSocket', () => {
  it('reads what the server writes', () => {
    const bytes = new Uint8Array([1, 1, 0, 0, 1, 2, 3, 4, 0, 6, 0, 0, 0, 0, 0, 5, 42, 43]);
    const { data, ...rest } = decodeFrame(bytes.buffer);
    assert.deepEqual(rest, { medium: 'video', keyframe: true, sequence: 0x01020304, captured: 6 * 2 ** 48 + 5 });
    assert.deepEqual([...data], [42, 43]);
  });

  it('takes nothing else', () => {
    for (const bad of [[], [1], new Array(16).fill(1), [3, ...new Array(20).fill(0)]]) assert.equal(decodeFrame(new Uint8Array(bad).buffer), null);
  });

  it('writes receipts', () => {
    assert.deepEqual([...new Uint8Array(received(0xfffffffe))], [1, 0, 0, 0, 255, 255, 255, 254]);
    assert.deepEqual([...new Uint8Array(needsKeyframe())], [2, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('keeps its own messages, and leaves the others to the page', () => {
    assert.deepEqual(decodeOwn('{"data":{"codec":"vp8","kind":"video"},"type":"media"}'), { kind: 'video', codec: 'vp8' });
    assert.deepEqual(decodeOwn('{"data":{"rtt":1.5,"time":7},"type":"connection"}'), { kind: 'connection', rtt: 1.5, time: 7 });
    assert.equal(decodeOwn('{"data":{"channels":99,"codec":"opus","kind":"audio"},"type":"media"}').channels, 8);
    for (const other of ['', '{"type":"media"', '{"type":"media"}', '{"type":"system","data":{}}', 'x'.repeat(1000)]) assert.equal(decodeOwn(other), null, other);
  });
});
