import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Keyboard } from '../js/input/keyboard.js';

let target, sent, keyboard;

class Area extends EventTarget {
  value = '';
  setSelectionRange() {}
}

function start(options = {}) {
  target = new Area();
  sent = [];
  keyboard = new Keyboard({ target, send: (text) => sent.push(text), hotkey: () => false, ...options });
}

/** Dispatches and returns whether the browser was told to keep out. */
function fire(type, fields) {
  const event = new Event(type, { cancelable: true });
  for (const [name, value] of Object.entries({ location: 0, code: '', repeat: false, isComposing: false, altKey: false, ...fields })) {
    Object.defineProperty(event, name, { value });
  }
  target.dispatchEvent(event);
  return event.defaultPrevented;
}
const down = (key, code = '', more = {}) => fire('keydown', { key, code, ...more });
const up = (key, code = '', more = {}) => fire('keyup', { key, code, ...more });

beforeEach(() => {
  // Node 18, which is Debian 12's, takes the list alone.
  mock.timers.enable(process.version.startsWith('v18.') ? ['setInterval'] : { apis: ['setInterval'] });
  start();
});
afterEach(() => {
  keyboard.reset();
  mock.timers.reset();
});

describe('Keyboard', () => {
  it('releases what it pressed, whatever Shift did in between', () => {
    assert.ok(down('Shift', 'ShiftLeft', { location: 1 }));
    down('A', 'KeyA');
    up('Shift', 'ShiftLeft', { location: 1 });
    up('a', 'KeyA');
    assert.deepEqual(sent, ['kd,65505', 'kd,65', 'ku,65505', 'ku,65']);
  });

  it('leaves repeating to the X server', () => {
    down('a', 'KeyA');
    assert.ok(down('a', 'KeyA', { repeat: true }));
    assert.deepEqual(sent, ['kd,97']);
  });

  it('works without codes', () => {
    down('x');
    up('x');
    assert.deepEqual(sent, ['kd,120', 'ku,120']);
  });

  it('takes back the Control that Windows adds to AltGr', () => {
    down('Control', 'ControlLeft', { location: 1, timeStamp: 100 });
    down('AltGraph', 'AltRight', { location: 2, timeStamp: 101 });
    down('@', 'KeyQ');
    assert.deepEqual(sent, ['kd,65507', 'ku,65507', 'kd,65027', 'kd,64']);
  });

  it('leaves a real Control with AltGr alone', () => {
    down('Control', 'ControlLeft', { location: 1, timeStamp: 100 });
    down('AltGraph', 'AltRight', { location: 2, timeStamp: 900 });
    assert.deepEqual(sent, ['kd,65507', 'kd,65027']);
  });

  it('leaves dead keys and input methods to the browser and sends their text once', () => {
    assert.ok(!down('Dead', 'BracketLeft'));
    assert.ok(!down('Process', 'KeyA'));
    assert.ok(!down('a', 'KeyA', { keyCode: 229 }));
    fire('compositionstart', { data: '' });
    down('n', 'KeyN', { isComposing: true });
    fire('input', { inputType: 'insertCompositionText', data: 'に', isComposing: true });
    fire('compositionend', { data: '日本' });
    fire('input', { inputType: 'insertCompositionText', data: '日本' });
    assert.deepEqual(sent, ['co,end,日本']);
  });

  it('takes text from phones', () => {
    fire('input', { inputType: 'insertText', data: 'é' });
    fire('input', { inputType: 'deleteContentBackward', data: null });
    fire('input', { inputType: 'insertLineBreak', data: null });
    assert.deepEqual(sent, ['co,end,é', 'kd,65288', 'ku,65288', 'kd,65293', 'ku,65293']);
  });

  it('says every second what is held, until nothing is', () => {
    down('Shift', 'ShiftLeft', { location: 1 });
    down('a', 'KeyA');
    // One by one: Node 18 runs an interval once in a tick, however long.
    mock.timers.tick(1000);
    mock.timers.tick(1000);
    up('a', 'KeyA');
    up('Shift', 'ShiftLeft', { location: 1 });
    mock.timers.tick(3000);
    assert.deepEqual(sent.filter((text) => text.startsWith('kh')), ['kh,65505,97', 'kh,65505,97']);
  });

  it('lets go of everything when the focus leaves', () => {
    down('a', 'KeyA');
    fire('blur', {});
    mock.timers.tick(2000);
    up('a', 'KeyA');
    assert.deepEqual(sent, ['kd,97', 'kr']);
  });

  it('releases on macOS what Command swallowed', () => {
    start({ mac: true });
    down('Meta', 'MetaLeft', { location: 1 });
    down('Shift', 'ShiftLeft', { location: 1 });
    down('c', 'KeyC');
    up('Meta', 'MetaLeft', { location: 1 });
    assert.deepEqual(sent.slice(3), ['ku,99', 'ku,65515']);
  });

  it('makes Control of Command where the user wants that, and holds nothing afterwards', () => {
    let on = true;
    start({ mac: true, commandIsControl: () => on });
    down('Meta', 'MetaLeft', { location: 1 });
    assert.ok(keyboard.control);
    down('c', 'KeyC', { metaKey: true });
    up('Meta', 'MetaLeft', { location: 1 });
    assert.deepEqual(sent.splice(0), ['kd,65507', 'kd,99', 'ku,99', 'ku,65507']);
    down('Meta', 'MetaRight', { location: 2 });
    on = false; // what is down goes up as what it was
    up('Meta', 'MetaRight', { location: 2 });
    assert.deepEqual(sent.splice(0), ['kd,65508', 'ku,65508']);
    mock.timers.tick(3000);
    assert.deepEqual(sent, []);
  });

  it('leaves Meta alone elsewhere', () => {
    start({ commandIsControl: () => true });
    down('Meta', 'MetaLeft', { location: 1 });
    up('Meta', 'MetaLeft', { location: 1 });
    assert.deepEqual(sent, ['kd,65515', 'ku,65515']);
  });

  it('types on macOS what Option composed, without Alt', () => {
    start({ mac: true });
    down('Alt', 'AltLeft', { location: 1, altKey: true });
    down('@', 'KeyL', { altKey: true });
    assert.deepEqual(sent, ['kd,65513', 'ku,65513', 'kd,64']);
  });

  it('tells the locks before the key that they matter for, once', () => {
    const locks = { getModifierState: (name) => name === 'CapsLock' };
    down('CapsLock', 'CapsLock', locks);
    down('A', 'KeyA', locks);
    down('B', 'KeyB', locks);
    assert.deepEqual(sent, ['kd,65509', 'kl,1,0', 'kd,65', 'kd,66']);
  });

  it('leaves a paste key to the browser as well, if the clipboard wants it', () => {
    start({ pasteKey: () => true });
    down('Control', 'ControlLeft', { location: 1 });
    assert.ok(!down('v', 'KeyV', { ctrlKey: true, shiftKey: false, metaKey: false }));
    assert.ok(down('v', 'KeyV', { ctrlKey: true, shiftKey: false, metaKey: false, repeat: true }));
    assert.deepEqual(sent, ['kd,65507', 'kd,118']);
  });

  it('keeps its own shortcuts from the desktop', () => {
    start({ hotkey: (event) => event.code === 'KeyF' });
    assert.ok(down('F', 'KeyF'));
    assert.deepEqual(sent, []);
  });

  it('presses a combination and lets go in reverse', () => {
    keyboard.tap(1, 2, 3);
    assert.deepEqual(sent, ['kd,1', 'kd,2', 'kd,3', 'ku,3', 'ku,2', 'ku,1']);
  });
});
