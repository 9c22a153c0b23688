import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isModifier, keysymOf, keysymOfChar } from '../js/input/keysyms.js';

const of = (key, location = 0, code = '') => keysymOf({ key, location, code });

describe('keysymOf', () => {
  it('takes Latin-1 as it is and the rest as Unicode', () => {
    assert.equal(of('a'), 0x61);
    assert.equal(of('A'), 0x41);
    assert.equal(of(' '), 0x20);
    assert.equal(of('~'), 0x7e);
    assert.equal(of('ß'), 0xdf);
    assert.equal(of('€'), 0x010020ac);
    assert.equal(of('ж'), 0x01000436);
    assert.equal(of('😀'), 0x0101f600);
    assert.equal(keysymOfChar('\u0080'), 0x01000080);
  });

  it('knows the named keys', () => {
    const named = { Enter: 0xff0d, Backspace: 0xff08, Tab: 0xff09, Escape: 0xff1b, Delete: 0xffff, ArrowLeft: 0xff51, ArrowDown: 0xff54, PageUp: 0xff55, End: 0xff57, Insert: 0xff63, F1: 0xffbe, F12: 0xffc9, F24: 0xffd5, CapsLock: 0xffe5, AltGraph: 0xfe03, ContextMenu: 0xff67, AudioVolumeUp: 0x1008ff13, BrowserBack: 0x1008ff26 };
    for (const [key, keysym] of Object.entries(named)) assert.equal(of(key), keysym, key);
  });

  it('tells left from right', () => {
    assert.equal(of('Shift', 1), 0xffe1);
    assert.equal(of('Shift', 2), 0xffe2);
    assert.equal(of('Control', 2), 0xffe4);
    assert.equal(of('Meta', 1), 0xffeb);
    assert.equal(of('Alt', 2), 0xffea);
  });

  it('keeps the numeric pad apart', () => {
    assert.equal(of('5', 3), 0xffb5);
    assert.equal(of('5', 0), 0x35);
    assert.equal(of('Enter', 3), 0xff8d);
    assert.equal(of('ArrowUp', 3), 0xff97);
    assert.equal(of('Clear', 3), 0xff9d);
    assert.equal(of(',', 3, 'NumpadDecimal'), 0xffac);
    assert.equal(of('+', 3), 0xffab);
    assert.equal(of('NumLock', 3), 0xff7f);
  });

  it('leaves to the browser what only it understands', () => {
    for (const key of ['Dead', 'Process', 'Unidentified', 'Compose2', 'F25', 'F0', '', '^x', '\r', 'toString', 'constructor']) {
      assert.equal(of(key), null, key);
    }
    assert.equal(of('constructor', 3), null);
  });

  it('knows modifiers', () => {
    assert.ok(isModifier(0xffe1));
    assert.ok(isModifier(0xfe03));
    assert.ok(!isModifier(0x61));
    assert.ok(!isModifier(0xffff));
  });
});
