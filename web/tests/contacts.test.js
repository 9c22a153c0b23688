import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Contacts } from '../js/input/contacts.js';

let sent, contacts, beat, congested;
const finger = (pointerId, clientX, clientY, pressure = 0.5) => ({ pointerId, clientX, clientY, pressure });
const pen = (clientX, pressure, buttons) => ({ ...finger(1, clientX, 0, pressure), buttons, tiltX: 30, tiltY: -12 });

beforeEach(() => {
  sent = [];
  beat = null;
  congested = false;
  contacts = new Contacts({
    send: (message) => sent.push(message),
    locate: (x, y) => ({ x: x * 2, y: y * 2 }),
    congested: () => congested,
    setInterval: (callback) => (beat = callback),
    clearInterval: () => (beat = null),
  });
});

describe('Contacts', () => {
  it('gives fingers the least free numbers', () => {
    contacts.down(finger(700, 1, 2));
    contacts.down(finger(701, 3, 4));
    contacts.up({ pointerId: 700 });
    contacts.down(finger(702, 5, 6));
    contacts.move(finger(701, 3, 5, 1));
    assert.deepEqual(sent, ['td,0,2,4,0.5', 'td,1,6,8,0.5', 'tu,0', 'td,0,10,12,0.5', 'tm,1,6,10,1']);
  });

  it('leaves out what is none of its fingers, and an eleventh one', () => {
    contacts.move(finger(1, 1, 1));
    contacts.up({ pointerId: 1 });
    for (let id = 0; id < 12; id++) contacts.down(finger(id, 1, 1));
    assert.equal(sent.length, 10);
  });

  it('leaves out moves on a slow network, and nothing else', () => {
    contacts.down(finger(1, 1, 1));
    congested = true;
    contacts.move(finger(1, 2, 1));
    contacts.pen(pen(1, 0, 0));
    contacts.pen(pen(2, 0, 0));
    contacts.pen(pen(2, 0.5, 1));
    contacts.up({ pointerId: 1 });
    assert.deepEqual(sent, ['td,0,2,2,0.5', 'pen,2,0,0,30,-12,8', 'pen,4,0,0.5,30,-12,9', 'tu,0']);
  });

  it('repeats what is down, and no longer', () => {
    contacts.down(finger(1, 1, 1));
    contacts.pen(pen(1, 0.25, 1));
    sent.length = 0;
    beat();
    assert.deepEqual(sent, ['tm,0,2,2,0.5', 'pen,2,0,0.25,30,-12,9']);
    contacts.release();
    assert.deepEqual(sent.slice(2), ['tc', 'pen,0,0,0,0,0,0']);
    assert.equal(beat, null);
    contacts.release();
    assert.equal(sent.length, 4);
  });

  it('tells the button at the side and the eraser', () => {
    contacts.pen(pen(1, 0.5, 2));
    contacts.pen(pen(1, 0.5, 32));
    contacts.pen(pen(1, 0, 2));
    assert.deepEqual(sent.map((message) => Number(message.split(',').at(-1))), [11, 13, 10]);
  });
});
