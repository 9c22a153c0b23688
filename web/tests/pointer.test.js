import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Pointer } from '../js/input/pointer.js';

let handlers, sent, control, mode, pointer;

beforeEach(() => {
  handlers = {};
  sent = [];
  control = false;
  mode = 'direct';
  globalThis.document = { addEventListener: () => {}, pointerLockElement: null };
  const area = { addEventListener: (type, handler) => (handlers[type] = handler), setPointerCapture: () => {} };
  pointer = new Pointer({
    area,
    box: () => ({ left: 0, top: 0, width: 200, height: 100 }),
    size: () => ({ width: 200, height: 100 }),
    send: (message) => sent.push(message),
    buffered: () => 0,
    onPress: () => {},
    onLockRefused: () => {},
    controlDown: () => control,
    touch: { mode: () => mode },
  });
});

const wheel = (event) =>
  handlers.wheel({ deltaX: 0, deltaY: 0, deltaMode: 0, clientX: 5, clientY: 6, preventDefault: () => {}, ...event });
const touch = (type, clientX) =>
  handlers[type]({ pointerType: 'touch', pointerId: 9, clientX, clientY: 1, pressure: 0.5, buttons: 1 });
const stylus = (type, pressure, buttons) =>
  handlers[type]({ pointerType: 'pen', pointerId: 9, clientX: 1, clientY: 1, pressure, buttons, tiltX: 0, tiltY: 0 });

describe('Pointer', () => {
  it('turns the wheel by ticks', () => {
    wheel({ deltaY: 60 });
    assert.deepEqual(sent, []);
    wheel({ deltaY: 60 });
    assert.deepEqual(sent, ['m,5,6,8,1', 'm,5,6,0,0']);
  });

  it('turns it by less where the desktop can', () => {
    pointer.setDevice('smoothWheel', true);
    wheel({ deltaY: 60, deltaX: -5 });
    assert.deepEqual(sent, ['m,5,6,0,0', 'ws,-0.05,0.6']);
    sent.length = 0;
    wheel({ deltaY: 12, deltaMode: 2 });
    assert.equal(sent.filter((message) => message === 'ws,0,9').length, 8);
  });

  it('zooms by Control on a pinch, which holds no key', () => {
    wheel({ deltaY: -6, ctrlKey: true });
    assert.deepEqual(sent, []);
    wheel({ deltaY: -6, ctrlKey: true });
    assert.deepEqual(sent, ['kd,65507', 'm,5,6,16,1', 'm,5,6,0,0', 'ku,65507']);
  });

  it('leaves Control alone that the user holds', () => {
    control = true;
    wheel({ deltaY: 100, ctrlKey: true });
    assert.deepEqual(sent, ['m,5,6,8,1', 'm,5,6,0,0']);
  });

  it('sends fingers as a mouse until the desktop says that it has a touch screen', () => {
    touch('pointerdown', 1);
    touch('pointerup', 1);
    assert.deepEqual(sent, ['m,1,1,0,0', 'm,1,1,1,0', 'm,1,1,0,0']);
    sent.length = 0;
    pointer.setDevice('touch', true);
    touch('pointerdown', 1);
    touch('pointermove', 2);
    touch('pointercancel', 2);
    assert.deepEqual(sent, ['td,0,1,1,0.5', 'tm,0,2,1,0.5', 'tu,0']);
    sent.length = 0;
    touch('pointerdown', 1);
    pointer.setDevice('touch', false);
    touch('pointermove', 3);
    assert.deepEqual(sent, ['td,0,1,1,0.5', 'tc']);
  });

  it('leaves the touch screen alone where the user wants a trackpad, and ends as it began what is under way', () => {
    pointer.setDevice('touch', true);
    mode = 'trackpad';
    touch('pointerdown', 1);
    touch('pointermove', 11);
    touch('pointermove', 21);
    touch('pointerup', 21);
    // From the middle of the desktop, and further than the finger.
    assert.deepEqual(sent.splice(0), ['m,116,50,0,0', 'm,132,50,0,0']);
    touch('pointerdown', 1);
    mode = 'direct';
    touch('pointermove', 11);
    touch('pointerup', 11);
    touch('pointerdown', 1);
    mode = 'trackpad';
    touch('pointermove', 2);
    touch('pointerup', 2);
    assert.deepEqual(sent.filter((message) => message.startsWith('t')), ['td,0,1,1,0.5', 'tm,0,2,1,0.5', 'tu,0']);
  });

  it('sends a pen as a mouse until the desktop says that it has one', () => {
    stylus('pointerdown', 0.5, 1);
    stylus('pointerup', 0, 0);
    assert.deepEqual(sent, ['m,1,1,1,0', 'm,1,1,0,0']);
    sent.length = 0;
    pointer.setDevice('pen', true);
    stylus('pointermove', 0, 0);
    stylus('pointerdown', 0.5, 1);
    stylus('pointerleave', 0, 0);
    assert.deepEqual(sent, ['pen,1,1,0,0,0,8', 'pen,1,1,0.5,0,0,9', 'pen,0,0,0,0,0,0']);
  });
});
