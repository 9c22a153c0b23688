import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Touch } from '../js/input/touch.js';
import { FakeClock } from './helpers.js';

let clock, log, touch;
const finger = (pointerId, clientX, clientY) => ({ pointerId, clientX, clientY });

beforeEach(() => {
  clock = new FakeClock();
  log = [];
  touch = new Touch({
    move: (...args) => log.push(args),
    scroll: (dx, dy) => log.push(['scroll', dx, dy]),
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
  });
});

describe('Touch', () => {
  it('clicks on a tap', () => {
    touch.down(finger(1, 10, 10));
    touch.up(finger(1, 11, 10));
    assert.deepEqual(log, [[10, 10, 0], [10, 10, 1], [10, 10, 0]]);
  });

  it('drags from where it touched', () => {
    touch.down(finger(1, 10, 10));
    touch.move(finger(1, 12, 10));
    touch.move(finger(1, 40, 10));
    touch.up(finger(1, 40, 10));
    assert.deepEqual(log, [[10, 10, 0], [10, 10, 1], [40, 10, 1], [40, 10, 0]]);
  });

  it('right-clicks on a long press, once', async () => {
    touch.down(finger(1, 10, 10));
    await clock.advance(600);
    touch.up(finger(1, 10, 10));
    assert.deepEqual(log, [[10, 10, 0], [10, 10, 4], [10, 10, 0]]);
  });

  it('scrolls with two fingers and presses nothing', async () => {
    touch.down(finger(1, 10, 100));
    touch.down(finger(2, 50, 100));
    touch.move(finger(1, 10, 60));
    touch.move(finger(2, 50, 60));
    await clock.advance(1000);
    touch.up(finger(2, 50, 60));
    touch.up(finger(1, 10, 60));
    // What it took to tell scrolling from spreading is lost.
    assert.deepEqual(log, [[10, 100, 0], ['scroll', 0, 50]]);
  });

  it('lets go of a drag when the system takes the gesture, or a second finger comes', () => {
    touch.down(finger(1, 10, 10));
    touch.move(finger(1, 40, 10));
    touch.cancel(finger(1, 40, 10));
    assert.deepEqual(log.at(-1), [40, 10, 0]);
    touch.down(finger(1, 10, 10));
    touch.move(finger(1, 40, 10));
    touch.down(finger(2, 80, 10));
    assert.equal(log.at(-1)[2], 0);
  });
});

describe('Touch with two and three fingers', () => {
  it('right-clicks between two fingers that tap', () => {
    touch.down(finger(1, 10, 100));
    touch.down(finger(2, 50, 100));
    touch.up(finger(2, 50, 100));
    touch.up(finger(1, 10, 100));
    assert.deepEqual(log, [[10, 100, 0], [30, 100, 4], [30, 100, 0]]);
  });

  it('enlarges when they spread, and neither scrolls nor clicks', () => {
    const zooms = [];
    touch = new Touch({ move: (...args) => log.push(args), scroll: () => log.push('scroll'), zoom: (factor) => zooms.push(factor) });
    touch.down(finger(1, 100, 100));
    touch.down(finger(2, 140, 100));
    touch.move(finger(2, 180, 100));
    touch.move(finger(2, 200, 100));
    touch.up(finger(2, 200, 100));
    touch.move(finger(1, 100, 300));
    touch.up(finger(1, 100, 300));
    assert.deepEqual(log, [[100, 100, 0]]);
    assert.deepEqual(zooms, [1.25]);
  });

  it('tells spreading from scrolling, whichever finger reports first', () => {
    const seen = [];
    touch = new Touch({ move: () => {}, scroll: () => seen.push('scroll'), zoom: () => seen.push('zoom') });
    touch.down(finger(1, 180, 400));
    touch.down(finger(2, 220, 400));
    for (const d of [40, 60, 80]) {
      touch.move(finger(2, 200 + d, 400));
      touch.move(finger(1, 200 - d, 400));
    }
    assert.deepEqual([...new Set(seen)], ['zoom']);
  });

  it('asks for the keyboard when three tap', () => {
    let asked = 0;
    touch = new Touch({ move: (...args) => log.push(args), scroll: () => {}, keyboard: () => (asked += 1) });
    for (const id of [1, 2, 3]) touch.down(finger(id, id * 40, 100));
    for (const id of [1, 2, 3]) touch.up(finger(id, id * 40, 100));
    assert.equal(asked, 1);
    assert.deepEqual(log, [[40, 100, 0]]);
  });
});

describe('Touch as a trackpad', () => {
  beforeEach(() => {
    touch = new Touch({
      move: (...args) => log.push(args),
      scroll: () => {},
      mode: () => 'trackpad',
      bounds: () => ({ left: 0, top: 100, width: 200, height: 100 }),
      now: clock.now,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
    });
  });

  it('moves the pointer from where it is, and not out of the picture', () => {
    touch.down(finger(1, 10, 500));
    touch.move(finger(1, 20, 500));
    touch.move(finger(1, 30, 500));
    touch.up(finger(1, 30, 500));
    touch.down(finger(1, 10, 500));
    touch.move(finger(1, 10, 0));
    touch.up(finger(1, 10, 0));
    assert.deepEqual(log, [[116, 150, 0], [132, 150, 0], [132, 100, 0]]);
  });

  it('clicks where the pointer is, and drags right after a tap', async () => {
    touch.down(finger(1, 10, 500));
    touch.up(finger(1, 10, 500));
    assert.deepEqual(log.splice(0), [[100, 150, 1], [100, 150, 0]]);
    await clock.advance(100);
    touch.down(finger(1, 10, 500));
    touch.move(finger(1, 20, 500));
    touch.up(finger(1, 20, 500));
    assert.deepEqual(log, [[100, 150, 1], [116, 150, 1], [116, 150, 0]]);
  });
});
