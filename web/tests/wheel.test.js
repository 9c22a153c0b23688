import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WheelAccumulator, ticksOf } from '../js/input/wheel.js';

describe('WheelAccumulator', () => {
  it('makes a tick of 100 pixels, 3 lines', () => {
    assert.deepEqual(new WheelAccumulator().add(0, 100), { x: 0, y: 1 });
    assert.deepEqual(new WheelAccumulator().add(0, -3, 1), { x: 0, y: -1 });
    assert.deepEqual(new WheelAccumulator().add(-200, 0), { x: -2, y: 0 });
    assert.ok(new WheelAccumulator().add(0, 1, 2).y > 1);
  });

  it('neither loses nor doubles the crumbs of a touchpad', () => {
    const wheel = new WheelAccumulator();
    let ticks = 0;
    for (let i = 0; i < 1000; i++) ticks += wheel.add(0, 7.3).y;
    assert.equal(ticks, 73);
    let lines = 0;
    for (let i = 0; i < 30; i++) lines += wheel.add(0, -1, 1).y;
    assert.equal(lines, -10);
  });

  it('starts afresh when the direction turns', () => {
    const wheel = new WheelAccumulator();
    assert.equal(wheel.add(0, 90).y, 0);
    assert.equal(wheel.add(0, -60).y, 0);
    assert.equal(wheel.add(0, -40).y, -1);
    assert.equal(wheel.add(0, 90).y, 0);
  });

  it('counts pixels, lines and pages of all browsers alike', () => {
    assert.deepEqual(ticksOf(50, -25), { x: 0.5, y: -0.25 });
    assert.deepEqual(ticksOf(3, -1.5, 1), { x: 1, y: -0.5 });
    assert.deepEqual(ticksOf(0, 0.5, 2), { x: 0, y: 3 });
    assert.deepEqual(ticksOf(NaN, Infinity), { x: 0, y: 0 });
    assert.equal(new WheelAccumulator(10).add(0, 25).y, 2);
  });

  it('keeps the axes apart and forgets on reset', () => {
    const wheel = new WheelAccumulator();
    assert.deepEqual(wheel.add(60, 60), { x: 0, y: 0 });
    wheel.reset();
    assert.deepEqual(wheel.add(60, 60), { x: 0, y: 0 });
    assert.deepEqual(wheel.add(40, 0), { x: 1, y: 0 });
    assert.deepEqual(wheel.add(NaN, Infinity), { x: 0, y: 0 });
  });
});
