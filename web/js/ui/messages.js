/** What the user reads when something goes wrong: what happened, and what to try. */

/**
 * @typedef {object} Explanation
 * @property {string} title
 * @property {string} text
 * @property {string} action label of the button
 * @property {'retry' | 'reload'} does
 * @property {'alert' | 'lock' | 'unplugged'} icon
 */

/** @type {Readonly<Record<import('../core/session.js').FailureKind, Omit<Explanation, 'does'> & {does?: 'reload'}>>} */
const TEXTS = {
  auth: {
    title: 'You are signed out',
    text: 'The server wants your name and password again. Reload the page to sign in.',
    action: 'Sign in again', does: 'reload', icon: 'lock',
  },
  unreachable: {
    title: 'The server cannot be reached',
    text: 'Check that this device is online and that the desktop is still running.',
    action: 'Try again', icon: 'unplugged',
  },
  signalling: {
    title: 'The server does not take the connection',
    text: 'It is up but answers no WebSocket. If there is a proxy in front of it, let it pass WebSocket upgrades.',
    action: 'Try again', icon: 'unplugged',
  },
  server: {
    title: 'The server reports a problem',
    text: 'The desktop could not be started or shown.',
    action: 'Try again', icon: 'alert',
  },
  ended: {
    title: 'The session has ended',
    text: 'The server closed this session.',
    action: 'Connect again', icon: 'unplugged',
  },
  lost: {
    title: 'The connection was lost',
    text: 'The network changed or the server restarted. Your programs keep running.',
    action: 'Reconnect now', icon: 'unplugged',
  },
  offer: {
    title: 'The desktop sends no picture yet',
    text: 'The server answers but does not start the stream. It may still be starting up; its log tells more.',
    action: 'Try again', icon: 'alert',
  },
  ice: {
    title: 'The network blocks the picture',
    text: 'The server answers, but video finds no way through. A firewall may block UDP: open its ports, or set up a TURN server.',
    action: 'Try again', icon: 'unplugged',
  },
  frame: {
    title: 'Connected, but there is no picture',
    text: 'Nothing arrives that this browser can show. Another video encoder on the server, or another browser, may help.',
    action: 'Try again', icon: 'alert',
  },
  stalled: {
    title: 'The picture stopped',
    text: 'Nothing came from the desktop for a while, so the connection is being made anew.',
    action: 'Reconnect now', icon: 'unplugged',
  },
  unsupported: {
    title: 'This browser cannot show the desktop',
    text: 'WebRTC is missing or switched off. A current Chrome, Edge, Firefox or Safari will do.',
    action: 'Try again', icon: 'alert',
  },
};

/**
 * @param {import('../core/session.js').Failure} failure
 * @returns {Explanation}
 */
export function explain({ kind, text }) {
  const known = TEXTS[kind];
  // The server's own words beat ours.
  return { does: 'retry', ...known, text: text ? sentence(text) : known.text };
}

/** What is happening, stage by stage. */
export const STEPS = Object.freeze([
  { stage: 'signalling', text: 'Reaching the server' },
  { stage: 'negotiating', text: 'Negotiating' },
  { stage: 'ice', text: 'Connecting' },
  { stage: 'frame', text: 'Waiting for the first frame' },
]);

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim().slice(0, 300);
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}
