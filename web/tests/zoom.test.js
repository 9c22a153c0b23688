import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNZOOMED, settled, zoomed } from '../js/ui/zoom.js';

const area = { width: 400, height: 800 };
const still = { x: 0, y: 0 };

describe('zoomed', () => {
  it('keeps what is between the fingers where it is', () => {
    const { scale, x, y } = zoomed(UNZOOMED, 2, { x: 100, y: 300 }, still, area);
    assert.deepEqual([100 * scale + x, 300 * scale + y], [100, 300]);
  });
  it('moves with the fingers, and never shows what is beside the picture', () => {
    const large = zoomed(UNZOOMED, 2, { x: 200, y: 400 }, still, area);
    assert.deepEqual(zoomed(large, 1, still, { x: -50, y: 30 }, area), { scale: 2, x: -250, y: -370 });
    assert.deepEqual(zoomed(large, 1, still, { x: 5000, y: -5000 }, area), { scale: 2, x: 0, y: -800 });
  });
  it('has limits, and comes back to nothing', () => {
    assert.equal(zoomed(UNZOOMED, 100, still, still, area).scale, 6);
    const back = zoomed(zoomed(UNZOOMED, 3, { x: 50, y: 50 }, still, area), 0.01, { x: 9, y: 9 }, still, area);
    assert.deepEqual({ ...back }, { scale: 1, x: 0, y: 0 });
    assert.equal(settled({ scale: 1.03, x: -3, y: 0 }), UNZOOMED);
    assert.equal(settled(zoomed(UNZOOMED, 2, still, still, area)).scale, 2);
  });
});
