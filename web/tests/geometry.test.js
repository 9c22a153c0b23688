import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exactSize, fittedBox, maskOfButtons, toVideo, wantedResolution } from '../js/input/geometry.js';

describe('geometry', () => {
  it('finds the picture between its bars', () => {
    assert.deepEqual(fittedBox({ left: 0, top: 0, width: 1000, height: 1000 }, 1600, 800), { left: 0, top: 250, width: 1000, height: 500 });
    assert.deepEqual(fittedBox({ left: 10, top: 0, width: 1000, height: 500 }, 400, 400), { left: 260, top: 0, width: 500, height: 500 });
  });

  it('maps to video pixels and stops at the edges', () => {
    const box = { left: 0, top: 0, width: 1000, height: 1000 };
    assert.deepEqual(toVideo(500, 500, box, 1600, 800), { x: 800, y: 400 });
    assert.deepEqual(toVideo(0, 0, box, 1600, 800), { x: 0, y: 0 });
    assert.deepEqual(toVideo(1000, 990, box, 1600, 800), { x: 1599, y: 799 });
    assert.deepEqual(toVideo(-5, 300, box, 1600, 800), { x: 0, y: 80 });
  });

  it('is exact to the pixel at one to one', () => {
    const box = { left: 0, top: 0, width: 1280, height: 720 };
    for (const x of [0, 1, 639, 1279]) assert.equal(toVideo(x + 0.5, 0, box, 1280, 720).x, x);
  });

  it('shows one to one only where it fits', () => {
    assert.deepEqual(exactSize(2560, 1440, 1280, 720, 2), { left: 0, top: 0, width: 1280, height: 720 });
    assert.deepEqual(exactSize(1280, 656, 1280, 657, 1), { left: 0, top: 0, width: 1280, height: 656 });
    assert.equal(exactSize(1920, 1080, 1280, 720, 1), null);
    assert.equal(exactSize(800, 600, 1280, 720, 1), null);
  });

  it('leaves a small desktop small where that is wanted, on whole pixels', () => {
    assert.deepEqual(exactSize(800, 601, 1280, 720, 1, true), { left: 240, top: 59, width: 800, height: 601 });
    assert.deepEqual(exactSize(1001, 600, 1280, 720, 2, true), { left: 389.5, top: 210, width: 500.5, height: 300 });
    assert.equal(exactSize(1920, 1080, 1280, 720, 1, true), null);
    assert.equal(exactSize(0, 0, 1280, 720, 1, true), null);
  });

  it('asks for even sizes', () => {
    assert.deepEqual(wantedResolution(1281, 657, 1), { width: 1280, height: 656 });
    assert.deepEqual(wantedResolution(411, 731, 2.625), { width: 1078, height: 1918 });
    assert.deepEqual(wantedResolution(0, 0, 1), { width: 2, height: 2 });
  });

  it('puts the buttons where the wire wants them', () => {
    assert.deepEqual([1, 2, 4, 8, 16, 7].map(maskOfButtons), [1, 4, 2, 8, 16, 7]);
  });
});
