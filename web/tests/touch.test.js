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
    assert.deepEqual(log, [[10, 100, 0], ['scroll', 0, 50], ['scroll', 0, 50]]);
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
