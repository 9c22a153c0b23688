/**
 * The WebSocket and the decoders, away from the page's thread: a busy page holds up neither the picture nor the receipts
 * by which the server measures the network.
 */

import { hello } from '../core/hello.js';
import { decodable } from './codecs.js';
import { Decoding } from './decoding.js';
import { decodeFrame, decodeOwn, needsKeyframe, received } from './wire.js';

/** Frames that wait for the decoder before the server is told no more: then it sends less. */
const MAX_WAITING = 4;
const POLL_MS = 10;

// The scope of a worker, which the DOM library takes for a window.
const scope = /** @type {any} */ (globalThis);
/** @type {(message: object, transfer?: Transferable[]) => void} */
const tell = (message, transfer) => scope.postMessage(message, transfer ?? []);

// Asked before it is known what for: the answer takes a while.
const codecs = decodable().catch(() => /** @type {string[]} */ ([]));

/** @type {WebSocket} */
let socket;
/** @type {Decoding} */
let decoding;
/** Messages of the page that were handed to the socket. */
let handled = 0;
let polling = false;
const bytes = { video: 0, audio: 0 };
const frames = { video: 0, audio: 0 };
/** @type {{rtt: number, time: number, at: number} | null} */
let connection = null;
/** @type {number | null} of the last frame whose receipt is held back */
let unreceipted = null;

/**
 * @param {object} options
 * @param {string} options.url
 * @param {import('../core/hello.js').Introduction} options.introduction
 * @param {boolean} options.canPlay sound, that is
 * @param {WritableStream | null} options.writable
 */
async function open({ url, introduction, canPlay, writable }) {
  const found = await codecs;
  tell({ type: 'codecs', found: found.length });
  if (found.length === 0) return;
  const first = hello(introduction, found.filter((mime) => canPlay || !mime.startsWith('audio/')));
  decoding = new Decoding({
    tell,
    writable,
    needsKeyframe: () => socket.readyState === WebSocket.OPEN && socket.send(needsKeyframe()),
    progress: acknowledge,
  });
  socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => socket.send(first));
  socket.addEventListener('message', ({ data }) => (typeof data === 'string' ? text(data) : media(data)));
  socket.addEventListener('close', ({ code, reason }) => tell({ type: 'closed', code, reason }));
}

/** @param {string} data */
function text(data) {
  const own = decodeOwn(data);
  if (own?.kind === 'connection') connection = { ...own, at: performance.timeOrigin + performance.now() };
  else if (own?.kind === 'video') decoding.setVideo(own.codec);
  else if (own?.kind === 'audio') tell({ type: 'audio', channels: own.channels, description: own.description });
  else tell({ type: 'text', text: data });
}

/** @param {ArrayBuffer} data */
function media(data) {
  const frame = decodeFrame(data);
  if (!frame) return;
  bytes[frame.medium] += data.byteLength;
  frames[frame.medium] += 1;
  unreceipted = frame.sequence;
  if (frame.medium === 'video') decoding.video(frame);
  else decoding.audio(frame);
  acknowledge();
}

/** Receipts are for all before as well; none is given while the decoder is behind. */
function acknowledge() {
  if (unreceipted === null || decoding.waiting > MAX_WAITING || socket.readyState !== WebSocket.OPEN) return;
  socket.send(received(unreceipted));
  unreceipted = null;
}

/** Tells the page how much of what it sent is still here. */
function report() {
  polling = false;
  tell({ type: 'sent', handled, buffered: socket.bufferedAmount });
  if (socket.bufferedAmount > 0) poll();
}

function poll() {
  if (polling) return;
  polling = true;
  setTimeout(report, POLL_MS);
}

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  switch (data.type) {
    case 'open':
      return void open(data);
    case 'send':
      handled += data.text.length;
      if (socket?.readyState === WebSocket.OPEN) socket.send(data.text);
      return poll();
    case 'speaker':
      return decoding.setAudio(data.port, data.channels, data.description);
    case 'stats':
      return tell({ type: 'stats', id: data.id, bytes, frames, connection, decoder: decoding.numbers });
  }
};
