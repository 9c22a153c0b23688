import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { Clipboard } from '../js/clipboard/clipboard.js';
import { Gate } from '../js/clipboard/gate.js';
import { Inbox, contentMessages } from '../js/core/content.js';
import { decodeMessage } from '../js/core/protocol.js';
import { settle } from './helpers.js';

const bytes = (text) => new TextEncoder().encode(text);
const text = (content) => new TextDecoder().decode(content?.get('text/plain'));
const plain = (value) => new Map([['text/plain', bytes(value)]]);

let sent, gate, clipboard, local, typed, shown, told;

beforeEach(() => {
  mock.timers.enable(process.version.startsWith('v18.') ? ['setTimeout'] : { apis: ['setTimeout'] });
  sent = [];
  typed = [];
  told = [];
  shown = null;
  gate = new Gate((message) => sent.push(message));
  local = {
    written: [],
    refuse: false,
    fromTransfer: async (data) => plain(data.getData('text/plain')),
    readIfGranted: async () => null,
    async write(content) {
      if (local.refuse) throw new Error('NotAllowedError');
      local.written.push(text(content));
    },
    copyInEvent: () => false,
    sameContent: async (one, other) => text(one) === text(other),
  };
  clipboard = new Clipboard({
    send: (message) => sent.push(message) > 0,
    drained: async () => {},
    gate,
    local,
    type: (value) => typed.push(value),
    tell: (value) => told.push(value),
    show: (value) => (shown = value),
  });
  clipboard.setPolicy('true');
});
afterEach(() => {
  mock.timers.reset();
  assert.deepEqual(told, []);
});

const paste = (value) => clipboard.pasted({ preventDefault() {}, clipboardData: { getData: () => value } });
const receive = (messages) => messages.forEach((message) => clipboard.receive(decodeMessage(JSON.stringify(message))));
const fromDesktop = (value) => [
  { type: 'clipboard-msg-start', data: { mime_type: 'text/plain', total_size: bytes(value).length } },
  { type: 'clipboard-msg-data', data: { content: btoa(value) } },
  { type: 'clipboard-msg-end', data: {} },
];

describe('Clipboard', () => {
  it('sends what is pasted before the key, and the key when the desktop has it', async () => {
    assert.ok(clipboard.pasteKey());
    gate.send('kd,118');
    const done = paste('new');
    gate.send('ku,118');
    await settle();
    assert.deepEqual(sent, ['cbs,1,text/plain,3', 'cbd,1,bmV3', 'cbe,1']);
    clipboard.taken(1);
    await done;
    assert.deepEqual(sent.slice(3), ['kd,118', 'ku,118']);
  });

  it('lets the key go when no paste event comes', () => {
    clipboard.pasteKey();
    gate.send('kd,118');
    assert.deepEqual(sent, []);
    mock.timers.tick(250);
    assert.deepEqual(sent, ['kd,118']);
  });

  it('lets the key go when the desktop never answers', async () => {
    clipboard.pasteKey();
    gate.send('kd,118');
    const done = paste('new');
    await settle();
    mock.timers.tick(5000);
    await done;
    assert.equal(sent.at(-1), 'kd,118');
  });

  it('keeps keys of a lost connection to itself', async () => {
    clipboard.pasteKey();
    gate.send('kd,118');
    const done = paste('new');
    await settle();
    clipboard.reset();
    await done;
    assert.ok(!sent.includes('kd,118'));
  });

  it('does not give back what came from the desktop, until somebody else has copied', async () => {
    receive(fromDesktop('theirs'));
    clipboard.pasteKey();
    await paste('theirs');
    assert.deepEqual(sent, []);
    clipboard.taken(null);
    clipboard.pasteKey();
    void paste('theirs');
    await settle();
    assert.equal(sent.length, 3);
  });

  it('writes what was copied on the desktop, with the next key where the browser insists', async () => {
    receive(fromDesktop('one'));
    await settle();
    local.refuse = true;
    receive(fromDesktop('two'));
    await settle();
    local.refuse = false;
    clipboard.gesture();
    await settle();
    assert.deepEqual(local.written, ['one', 'two']);
  });

  it('shows what the desktop would paste, whoever copied it', async () => {
    receive(fromDesktop('theirs'));
    assert.deepEqual([shown.in, shown.out, text(shown.content)], [true, true, 'theirs']);
    void clipboard.put(plain('ours'));
    await settle();
    assert.equal(text(shown.content), 'ours');
    // Somebody else's, which is not known here.
    clipboard.taken(null);
    assert.equal(shown.content, null);
    clipboard.setPolicy('out');
    assert.deepEqual([shown.in, shown.out], [false, true]);
  });

  it('says whether the desktop has what was given by hand', async () => {
    const given = clipboard.put(plain('one'));
    await settle();
    clipboard.taken(1);
    assert.equal(await given, true);
    assert.equal(sent[0], 'cbs,1,text/plain,3');

    const lost = clipboard.put(plain('two'));
    await settle();
    mock.timers.tick(5000);
    assert.equal(await lost, false);
    assert.equal(await clipboard.put(new Map([['text/plain', new Uint8Array(16 * 1024 * 1024 + 1)]])), false);
    assert.deepEqual(told.splice(0), ['The desktop does not take it at present', 'What was copied is too large for the desktop’s clipboard']);
  });

  it('copies by a click in any way that the browser has', async () => {
    assert.equal(await clipboard.copy(plain('one')), true);
    local.refuse = true;
    assert.equal(await clipboard.copy(plain('two')), false);
    local.copyInEvent = () => true;
    assert.equal(await clipboard.copy(plain('three')), true);
    assert.deepEqual(local.written, ['one']);
  });

  it('leaves paste keys alone where the server takes nothing, and types what a menu pastes', async () => {
    clipboard.setPolicy('out');
    assert.ok(!clipboard.pasteKey());
    await paste('typed');
    assert.deepEqual(typed, ['typed']);
  });

  it('sends plain text to servers of Selkies', async () => {
    clipboard.reset();
    clipboard.pasteKey();
    await paste('ß');
    assert.deepEqual(sent, ['cw,w58=']);
  });
});

describe('content', () => {
  it('survives the way through pieces, formats together', () => {
    const content = new Map([['text/html', bytes('<b>x</b>')], ['text/plain', bytes('x'.repeat(30_000))]]);
    let id = 0;
    const messages = [...contentMessages(content, () => ++id)];
    assert.ok(messages.every((message) => message.length < 16_500));
    assert.equal(messages[0], 'cbs,1,text/html,8,more');
    assert.equal(messages[3], 'cbs,2,text/plain,30000');
  });

  it('is given up when its pieces do not add up', () => {
    const inbox = new Inbox();
    const start = (size) => inbox.take({ type: 'clipboard-start', mime: 'text/plain', size, more: false });
    const data = (base64) => inbox.take({ type: 'clipboard-data', base64 });
    const end = () => inbox.take({ type: 'clipboard-end' });
    start(2);
    data('YQ==');
    assert.equal(end(), null);
    start(1);
    data('YWI=');
    assert.equal(end(), null);
    start(2 ** 40);
    data('YQ==');
    assert.equal(end(), null);
    start(1);
    data('YQ==');
    assert.equal(text(end()), 'a');
  });
});
