import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hello } from '../js/core/hello.js';
import { decodeMessage } from '../js/core/protocol.js';
import { SETTINGS, askForControl, chooseEncoder, endSession, giveControl, refuseControl, takeControl } from '../js/core/viewers.js';

const decode = (data) => decodeMessage(JSON.stringify({ type: 'viewers', data }));
const entry = { id: 2, address: '192.0.2.7', control: false, may_control: true, asks: true };

describe('viewers', () => {
  it('reads the list', () => {
    assert.deepEqual(decode({ you: 1, control: true, may_control: true, count: 2, list: [entry, { id: 'x' }, null] }), {
      type: 'viewers', you: 1, control: true, mayControl: true, mustAsk: false, asks: false, count: 2,
      list: [{ id: 2, address: '192.0.2.7', control: false, mayControl: true, asks: true }],
    });
    const { mustAsk, asks } = decode({ you: 2, may_control: true, must_ask: true, asks: true, count: 2, list: [] });
    assert.deepEqual([mustAsk, asks], [true, true]);
  });

  it('takes nothing malformed, and no control that was not given', () => {
    for (const bad of [{}, { you: 1, count: 1 }, { you: 'a', count: 1, list: [] }]) assert.equal(decode(bad), null);
    const { control, mayControl } = decode({ you: 1, count: 1, list: [], control: 'yes' });
    assert.deepEqual({ control, mayControl }, { control: false, mayControl: false });
  });

  it('asks as the server understands', () => {
    assert.deepEqual([takeControl(), giveControl(3), endSession(4)], ['_control,take', '_control,give,3', '_control,kick,4']);
    assert.deepEqual([askForControl(), refuseControl(5)], ['_control,ask', '_control,refuse,5']);
    assert.deepEqual(SETTINGS.map(({ verb }) => verb), ['vb', '_arg_fps', 'ab']);
  });

  it('reads which encoders there are', () => {
    const decodeEncoders = (data) => decodeMessage(JSON.stringify({ type: 'encoders', data }));
    const vp8 = { name: 'vp8enc', codec: 'video/VP8' };
    assert.deepEqual(decodeEncoders({ current: 'x264enc', list: [vp8, { name: 'x' }, null] }), { type: 'encoders', current: 'x264enc', list: [vp8] });
    for (const bad of [{}, { current: 1, list: [] }, { current: 'x264enc' }]) assert.equal(decodeEncoders(bad), null);
    assert.equal(chooseEncoder('vp8enc'), '_encoder,vp8enc');
  });

  it('says whether it was watching', () => {
    const meta = (frame) => JSON.parse(atob(frame.split(' ')[2]));
    const display = { width: 2, height: 2, scale: 1 };
    assert.equal(meta(hello(display)).control, undefined);
    assert.equal(meta(hello({ ...display, control: false })).control, false);
  });

  it('shows what the server says in words', () => {
    assert.deepEqual(decodeMessage('{"type":"pipeline","data":{"status":"Hello"}}'), { type: 'status', text: 'Hello' });
    assert.equal(decodeMessage('{"type":"pipeline","data":{}}'), null);
  });
});
