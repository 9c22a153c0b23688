import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Log } from '../js/core/log.js';
import { preference, remember } from '../js/core/preferences.js';

describe('preferences', () => {
  it('come back, and only what makes sense does', () => {
    const stored = new Map();
    const storage = { getItem: (name) => stored.get(name) ?? null, setItem: (name, value) => void stored.set(name, value) };
    assert.equal(preference('resolution', storage), 'auto');
    remember('resolution', '1920x1080', storage);
    assert.equal(preference('resolution', storage), '1920x1080');
    for (const bad of ['"<script>"', '17', '{', 'null', '"1920x"']) {
      stored.set('egldesktop.resolution', bad);
      assert.equal(preference('resolution', storage), 'auto', bad);
    }
    remember('folded', ['settings'], storage);
    assert.deepEqual(preference('folded', storage), ['settings']);
    storage.setItem('egldesktop.folded', '["settings","unknown"]');
    assert.deepEqual(preference('folded', storage), []);
    remember('commandIsControl', true, storage);
    assert.equal(preference('commandIsControl', storage), true);
  });

  it('do without a storage that refuses', () => {
    const refuse = () => {
      throw new Error('SecurityError');
    };
    remember('touch', 'trackpad', { setItem: refuse });
    assert.equal(preference('touch', { getItem: refuse }), 'direct');
  });
});

describe('Log', () => {
  it('keeps the last lines, with the time', () => {
    const log = new Log(() => new Date(0));
    for (let i = 0; i < 600; i++) log.add('session', { i });
    log.add('channel');
    const text = log.text({ browser: 'x', numbers: { fps: 60 } });
    assert.ok(text.startsWith('browser: x\nnumbers: {"fps":60}\n\n1970-01-01T00:00:00.000Z session {"i":101}\n'));
    assert.ok(text.endsWith('{"i":599}\n1970-01-01T00:00:00.000Z channel\n'));
  });
});
