/** The signalling socket: says hello, decodes frames, reports how it ended. */

import { hello } from './hello.js';
import { decodeSignal } from './protocol.js';

/**
 * @typedef {object} SignallingHandlers
 * @property {() => void} onReady the server said HELLO
 * @property {(signal: {kind: 'offer', sdp: string} | {kind: 'candidate', candidate: RTCIceCandidateInit}) => void} onSignal
 * @property {(text: string) => void} onError an ERROR frame
 * @property {(end: {code: number, reason: string}) => void} onClose at most once, never after close()
 *
 * @typedef {object} Signalling
 * @property {(text: string) => void} send
 * @property {() => void} close
 */

/**
 * @param {URL} base the page; the socket lives below it whatever path prefix a proxy adds
 * @returns {URL}
 */
export function signallingUrl(base) {
  const url = new URL('webrtc/signalling/', base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/**
 * @returns {string[] | undefined} MIME types that this browser can receive; undefined where it does not tell
 */
export function receivableCodecs() {
  if (typeof RTCRtpReceiver === 'undefined') return undefined;
  const all = ['video', 'audio'].flatMap((kind) => RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []);
  if (all.length === 0) return undefined;
  // Chromium does not list it, and decodes it (see withSurround).
  const surround = /Chrom(e|ium)\//.test(navigator.userAgent) ? ['audio/multiopus'] : [];
  return [...new Set([...all.map(({ mimeType }) => mimeType), ...surround])];
}

/**
 * @param {URL} url
 * @param {import('./hello.js').Introduction} display
 * @param {SignallingHandlers} handlers
 * @param {typeof WebSocket} [Socket] for tests
 * @returns {Signalling}
 */
export function openSignalling(url, display, handlers, Socket = WebSocket) {
  const socket = new Socket(url);
  let over = false;

  socket.addEventListener('open', () => {
    if (!over) socket.send(hello(display, receivableCodecs()));
  });
  socket.addEventListener('message', (event) => {
    const signal = over ? null : decodeSignal(event.data);
    if (!signal) return;
    if (signal.kind === 'hello') handlers.onReady();
    else if (signal.kind === 'error') handlers.onError(signal.text);
    else handlers.onSignal(signal);
  });
  // An 'error' event carries nothing and is always followed by 'close'.
  socket.addEventListener('close', (event) => {
    if (over) return;
    over = true;
    handlers.onClose({ code: event.code, reason: event.reason });
  });

  return {
    send(text) {
      if (!over && socket.readyState === Socket.OPEN) socket.send(text);
    },
    close() {
      over = true;
      socket.close();
    },
  };
}
