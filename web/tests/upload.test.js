import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Upload, uploadId } from '../js/files/upload.js';
import { sizeText } from '../js/ui/panel-files.js';

/** A server that keeps what comes, and breaks the connection after so many bytes, once per entry. */
function fakeServer(cuts = []) {
  const server = { stored: '', requests: [], answer: null, cancelled: false };
  server.send = async ({ method, headers, body, onProgress, signal }) => {
    server.requests.push(method);
    if (server.answer) return server.answer;
    if (signal?.aborted) return { status: 0, offset: null, text: '' };
    if (method === 'DELETE') {
      server.stored = '';
      return { status: 204, offset: null, text: '' };
    }
    if (method === 'HEAD') return { status: 204, offset: server.stored.length, text: '' };
    if (Number(headers['Upload-Offset']) !== server.stored.length) return { status: 409, offset: server.stored.length, text: '' };
    const text = await body.text();
    const cut = cuts.shift();
    server.stored += text.slice(0, cut);
    onProgress(Math.min(text.length, cut ?? text.length));
    server.during?.();
    if (signal?.aborted || cut !== undefined) return { status: 0, offset: null, text: '' };
    return { status: 201, offset: null, text: '{"name":"a.txt"}' };
  };
  return server;
}

const file = (text) => Object.assign(new Blob([text]), { name: 'a b.txt', lastModified: 7 });
const start = (text, server) => {
  const waits = [];
  const upload = new Upload(file(text), { send: server.send, sleep: async (ms) => void waits.push(ms), random: () => 0.5 });
  return { upload, waits };
};

describe('Upload', () => {
  it('goes on where it was cut, and waits longer while nothing gets through', async () => {
    const server = fakeServer([4, 0, 0]);
    const { upload, waits } = start('0123456789', server);
    await upload.run();
    assert.equal(server.stored, '0123456789');
    assert.deepEqual([upload.state, upload.sent], ['done', 10]);
    assert.deepEqual(waits, [500, 1000, 2000]);
  });

  it('goes on with what is there from before', async () => {
    const server = fakeServer();
    server.stored = '01234';
    await start('0123456789', server).upload.run();
    assert.equal(server.stored, '0123456789');
  });

  it('begins anew when there is more than the file has', async () => {
    const server = fakeServer();
    server.stored = '0123456789abc';
    await start('0123456789', server).upload.run();
    assert.equal(server.stored, '0123456789');
  });

  it('forgets what has come when it is cancelled', async () => {
    const server = fakeServer();
    const { upload } = start('0123456789', server);
    server.during = () => upload.cancel();
    await upload.run();
    assert.deepEqual([upload.state, server.stored, server.requests.at(-1)], ['cancelled', '', 'DELETE']);
  });

  it('does not try again what the server does not want', async () => {
    for (const status of [403, 404, 413, 507]) {
      const server = fakeServer();
      server.answer = { status, offset: null, text: 'No room\n' };
      const { upload } = start('0123456789', server);
      await upload.run();
      assert.deepEqual([upload.state, upload.text, server.requests.length], ['failed', 'No room', 1]);
    }
  });

  it('knows a file again, and no other', () => {
    const one = { name: 'ä.bin', size: 10, lastModified: 1 };
    assert.equal(uploadId(one), uploadId({ ...one }));
    const others = [{ ...one, name: 'b.bin' }, { ...one, size: 11 }, { ...one, lastModified: 2 }].map(uploadId);
    assert.equal(new Set([uploadId(one), ...others]).size, 4);
    assert.match(uploadId(one), /^[0-9a-f-]{8,64}$/);
  });
});

describe('sizeText', () => {
  it('is short', () => {
    assert.deepEqual([0, 999, 1500, 123_456, 1_073_741_824].map(sizeText), ['0 B', '999 B', '1.5 kB', '123 kB', '1.1 GB']);
  });
});
