/** Hands each message of the server to the part that it concerns. */

import { decodeMessage, pong } from '../core/protocol.js';

/**
 * @typedef {object} Parts
 * @property {EventTarget & {restart: () => void}} session
 * @property {import('./server.js').Server} server
 * @property {(text: string) => void} send
 * @property {import('../core/log.js').Log} log
 * @property {import('../core/measurements.js').Measurements} measurements
 * @property {import('../clipboard/clipboard.js').Clipboard} clipboard
 * @property {import('../input/gamepad.js').Gamepads} gamepads
 * @property {import('../ui/microphone.js').Microphone} microphone
 * @property {import('../input/pointer.js').Pointer} pointer
 * @property {import('../ui/panel.js').Panel} panel
 * @property {import('../ui/stats-feed.js').StatsFeed} feed
 * @property {import('../ui/toast.js').Toasts} toasts
 * @property {import('../ui/view.js').View} view
 * @property {(viewers: import('../core/viewers.js').ViewersMessage) => void} onViewers
 */

/** @param {Parts} parts */
export function receiveMessages(parts) {
  const { session, server, send, log, clipboard, gamepads, toasts, view, onViewers } = parts;
  session.addEventListener('message', (event) => {
    const message = decodeMessage(/** @type {CustomEvent} */ (event).detail);
    if (!message) return;
    switch (message.type) {
      case 'cursor':
        view.setCursor(message);
        break;
      case 'ping':
        send(pong(message.startTime));
        break;
      case 'latency':
        server.latencyMs = message.milliseconds;
        break;
      case 'video-clock':
        parts.feed.tellClock(message.rtp, message.time);
        break;
      case 'gpu':
        server.gpu = message;
        break;
      case 'machine':
        server.machine = message;
        break;
      case 'system':
        set(message, parts);
        break;
      case 'status':
        // The server's own words.
        log.add('status', message.text);
        toasts.show(message.text);
        break;
      case 'viewers':
        onViewers(message);
        break;
      case 'encoders':
        parts.panel.settings.showEncoders(message);
        break;
      case 'rumble':
        gamepads.rumble(message);
        break;
      case 'clipboard-taken':
        clipboard.taken(message.id);
        break;
      default:
        clipboard.receive(message);
    }
  });
}

/**
 * @param {import('../core/protocol.js').SystemMessage} message
 * @param {Parts} parts
 */
function set({ name, value }, { session, server, log, measurements, clipboard, microphone, pointer, panel }) {
  log.add('server', `${name} ${value}`);
  switch (name) {
    case 'encoder':
      server.encoder = value;
      break;
    case 'statistics':
      void measurements.start();
      break;
    case 'reload':
      session.restart();
      break;
    case 'microphone':
      microphone.allow(isTrue(value));
      break;
    case 'clipboard':
      clipboard.setPolicy(value);
      break;
    case 'touch':
    case 'pen':
      pointer.setDevice(name, isTrue(value));
      break;
    case 'smooth_wheel':
      pointer.setDevice('smoothWheel', isTrue(value));
      break;
    case 'gamepads':
      panel.allowGamepads(isTrue(value));
      break;
    case 'resize':
      server.resizes = isTrue(value);
      panel.settings.allowResize(server.resizes);
      break;
    default:
      panel.settings.show(name, value);
  }
}

/** As servers of Selkies print it. @param {string} value */
function isTrue(value) {
  return /^true$/i.test(value);
}
