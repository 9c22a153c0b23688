import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { DrawnGamepad, crossOf, stickOf } from '../js/input/drawn-gamepad.js';
import { Gamepads } from '../js/input/gamepad.js';

describe('a drawn gamepad', () => {
  it('has sticks that go as far as a thumb, and no farther than they can', () => {
    assert.deepEqual(stickOf(30, 0, 60), { x: 0.5, y: 0 });
    const { x, y } = stickOf(300, -400, 60);
    assert.deepEqual([x, y], [0.6, -0.8]);
    assert.deepEqual(stickOf(0, 0, 0), { x: 0, y: 0 });
  });

  it('has a cross of eight directions and a middle', () => {
    assert.deepEqual([crossOf({ x: 0.2, y: -0.2 }), crossOf({ x: 0, y: -1 }), crossOf({ x: 0.7, y: 0.7 })], [[], [12], [15, 13]]);
  });

  it('is a gamepad to the desktop while it is shown, though the browser knows of none', async () => {
    mock.timers.enable(process.version.startsWith('v18.') ? ['setInterval', 'setTimeout'] : { apis: ['setInterval', 'setTimeout'] });
    const sent = [];
    let frames = [];
    const frame = () => frames.splice(0).forEach((callback) => callback());
    const gamepads = new Gamepads({ send: (text) => sent.push(text), buffered: () => 0, events: new EventTarget(), pads: () => [], requestFrame: (callback) => frames.push(callback), cancelFrame: () => (frames = []) });
    const shaken = [];
    const pad = new DrawnGamepad('Thumbs', (milliseconds) => shaken.push(milliseconds));
    gamepads.setActive(true);
    gamepads.attach(pad);
    assert.deepEqual(sent.splice(0), [`js,c,0,${btoa('Thumbs')},4,17`]);
    pad.press(0, true);
    pad.cross({ x: 1, y: 0 });
    pad.tilt(1, { x: 0, y: -0.5 });
    frame();
    assert.deepEqual(sent.splice(0), ['js,b,0,0,1', 'js,b,0,15,1', 'js,a,0,3,-0.5']);
    gamepads.rumble({ pad: 0, strong: 1, weak: 0, duration: 300 });
    pad.release();
    frame();
    assert.deepEqual(sent.splice(0), ['js,b,0,0,0', 'js,b,0,15,0', 'js,a,0,3,0']);
    gamepads.detach(pad.index);
    assert.deepEqual([sent, gamepads.list(), frames, shaken], [['js,d,0'], [], [], [300]]);
    mock.timers.reset();
  });
});
