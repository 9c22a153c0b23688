import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { decodeRumble, padConnected } from '../js/core/gamepads.js';
import { Gamepads } from '../js/input/gamepad.js';
import { buttonName, sticks } from '../js/ui/panel-gamepads.js';

let events, pads, frames, sent, buffered, changes, gamepads;

const button = (value, pressed = value > 0.5) => ({ value, pressed });

function plug(index, id = 'Pad') {
  pads[index] = { index, id, buttons: Array.from({ length: 17 }, () => button(0)), axes: [0, 0, 0, 0], effects: [] };
  const effects = pads[index].effects;
  pads[index].vibrationActuator = {
    playEffect: async (type, effect) => void effects.push([type, effect.duration, effect.strongMagnitude, effect.weakMagnitude]),
    reset: async () => void effects.push(['reset']),
  };
  fire('gamepadconnected', index);
}

function fire(type, index) {
  const event = new Event(type);
  event.gamepad = pads[index];
  events.dispatchEvent(event);
}

/** Draws one frame of the page. */
function frame() {
  const due = frames;
  frames = [];
  for (const callback of due) callback();
}

const taken = () => sent.splice(0);

beforeEach(() => {
  const apis = ['setInterval', 'setTimeout'];
  mock.timers.enable(process.version.startsWith('v18.') ? apis : { apis });
  [events, pads, frames, sent, buffered, changes] = [new EventTarget(), [null, null, null, null], [], [], 0, []];
  gamepads = new Gamepads({
    send: (text) => sent.push(text),
    buffered: () => buffered,
    onChange: (gamepad) => changes.push(gamepad?.id ?? null),
    events,
    pads: () => pads,
    requestFrame: (callback) => frames.push(callback),
    cancelFrame: () => (frames = []),
  });
});
afterEach(() => {
  gamepads.setActive(false);
  mock.timers.reset();
});

describe('Gamepads', () => {
  it('costs nothing without a pad', () => {
    gamepads.setActive(true);
    assert.equal(frames.length, 0);
    mock.timers.tick(5000);
    assert.deepEqual(taken(), []);
  });

  it('lists those that are there, for the page to show and to try', () => {
    plug(2, 'One');
    plug(0, 'Two');
    assert.deepEqual(gamepads.list().map(({ id }) => id), ['One', 'Two']);
    gamepads.try(pads[2]);
    assert.deepEqual(pads[2].effects, [['dual-rumble', 400, 1, 1]]);
    fire('gamepaddisconnected', 2);
    assert.deepEqual([gamepads.list().map(({ id }) => id), changes], [['Two'], ['One', 'Two', null]]);
  });

  it('tells of a pad, and of changes only', () => {
    gamepads.setActive(true);
    plug(0, 'Päd');
    assert.deepEqual(taken(), [`js,c,0,${btoa('P\xc3\xa4d')},4,17`]);
    frame();
    assert.deepEqual(taken(), []);
    pads[0].buttons[3] = button(1);
    pads[0].buttons[6] = button(0.33333);
    pads[0].axes[1] = -0.5;
    pads[0].axes[0] = 0.03;
    frame();
    assert.deepEqual(taken(), ['js,b,0,3,1', 'js,b,0,6,0.333', 'js,a,0,1,-0.5']);
    frame();
    assert.deepEqual(taken(), []);
    pads[0].axes[1] = 0.01;
    frame();
    assert.deepEqual(taken(), ['js,a,0,1,0']);
  });

  it('beats while a pad is there, and stops with the last one', () => {
    gamepads.setActive(true);
    plug(0);
    plug(2);
    taken();
    mock.timers.tick(1000);
    assert.deepEqual(taken(), ['js,h,0', 'js,h,1']);
    fire('gamepaddisconnected', 0);
    fire('gamepaddisconnected', 2);
    assert.deepEqual(taken(), ['js,d,0', 'js,d,1']);
    mock.timers.tick(5000);
    assert.deepEqual(taken(), []);
    assert.equal(frames.length, 0);
  });

  it('numbers four pads, whatever the browser calls them', () => {
    gamepads.setActive(true);
    for (const index of [5, 1, 7, 3, 0]) plug(index);
    assert.deepEqual(taken().map((text) => text.split(',')[2]), ['0', '1', '2', '3']);
    fire('gamepaddisconnected', 1);
    taken();
    plug(9);
    assert.match(taken()[0], /^js,c,1,/);
  });

  it('announces all pads to who comes to control, with what is held', () => {
    plug(0);
    pads[0].buttons[0] = button(1);
    assert.deepEqual(taken(), []);
    assert.equal(frames.length, 0);
    gamepads.setActive(true);
    frame();
    assert.deepEqual(taken(), [padConnected(0, 'Pad', 4, 17), 'js,b,0,0,1']);
    gamepads.restart(true);
    frame();
    assert.deepEqual(taken(), [padConnected(0, 'Pad', 4, 17), 'js,b,0,0,1']);
    gamepads.setActive(false);
    assert.equal(frames.length, 0);
  });

  it('lets go where the page is hidden', () => {
    gamepads.setActive(true);
    plug(0);
    pads[0].buttons[0] = button(1);
    pads[0].axes[2] = 1;
    frame();
    taken();
    gamepads.release();
    assert.deepEqual(taken(), ['js,b,0,0,0', 'js,a,0,2,0']);
    frame();
    assert.deepEqual(taken(), ['js,b,0,0,1', 'js,a,0,2,1'], 'and takes hold again');
  });

  it('sends sticks, but not buttons, only as fast as the network takes them', () => {
    gamepads.setActive(true);
    plug(0);
    taken();
    buffered = 1e6;
    pads[0].axes[0] = 1;
    pads[0].buttons[1] = button(1);
    frame();
    assert.deepEqual(taken(), ['js,b,0,1,1']);
    buffered = 0;
    frame();
    assert.deepEqual(taken(), ['js,a,0,0,1']);
  });
});

describe('rumble', () => {
  it('plays on the pad that is meant, again where it is long, until it is over', () => {
    gamepads.setActive(true);
    plug(3);
    gamepads.rumble({ pad: 0, strong: 1, weak: 0.5, duration: 7000 });
    gamepads.rumble({ pad: 1, strong: 1, weak: 1, duration: 100 });
    mock.timers.tick(5000);
    assert.deepEqual(pads[3].effects, [['dual-rumble', 5000, 1, 0.5], ['dual-rumble', 2000, 1, 0.5]]);
    mock.timers.tick(10_000);
    assert.equal(pads[3].effects.length, 2);
  });

  it('stops when it shall, and when the desktop is gone', () => {
    gamepads.setActive(true);
    plug(0);
    gamepads.rumble({ pad: 0, strong: 1, weak: 0, duration: 60_000 });
    gamepads.rumble({ pad: 0, strong: 0, weak: 0, duration: 0 });
    mock.timers.tick(10_000);
    assert.deepEqual(pads[0].effects, [['dual-rumble', 5000, 1, 0], ['reset']]);
    gamepads.rumble({ pad: 0, strong: 0, weak: 1, duration: 60_000 });
    gamepads.setActive(false);
    mock.timers.tick(10_000);
    assert.deepEqual(pads[0].effects.slice(2), [['dual-rumble', 5000, 0, 1], ['reset']]);
    delete pads[0].vibrationActuator;
    gamepads.rumble({ pad: 0, strong: 1, weak: 1, duration: 1 });
  });

  it('is checked', () => {
    const good = { pad: 3, strong: 1, weak: 0, duration: 60_000 };
    assert.deepEqual(decodeRumble(good), { type: 'rumble', ...good });
    for (const bad of [{ pad: 4 }, { pad: 0.5 }, { pad: '0' }, { strong: 1.1 }, { weak: -1 }, { weak: NaN }, { duration: 1e9 }]) {
      assert.equal(decodeRumble({ ...good, ...bad }), null, JSON.stringify(bad));
    }
  });
});

it('the name of a pad is never too long', () => {
  assert.ok(atob(padConnected(0, '日'.repeat(300), 4, 17).split(',')[3]).length <= 254);
  assert.ok(padConnected(0, 'x', 99, 99).endsWith(',64,64'));
});

describe('what is shown of a pad', () => {
  it('names its buttons where they are known, and pairs its axes', () => {
    assert.deepEqual([buttonName({ mapping: 'standard' }, 0), buttonName({ mapping: 'standard' }, 20), buttonName({ mapping: '' }, 0)], ['A', '20', '0']);
    assert.deepEqual(sticks([0.5, -1, 0.25]), [{ x: 0.5, y: -1 }, { x: 0.25, y: 0 }]);
  });
});
