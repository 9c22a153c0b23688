/** What the user reads when something goes wrong: what happened, and what to try. */

import { msg, t } from '../core/i18n.js';

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
    title: msg('You are signed out'),
    text: msg('The server wants your name and password again. Reload the page to sign in.'),
    action: msg('Sign in again'), does: 'reload', icon: 'lock',
  },
  unreachable: {
    title: msg('The server cannot be reached'),
    text: msg('Check that this device is online and that the desktop is still running.'),
    action: msg('Try again'), icon: 'unplugged',
  },
  signalling: {
    title: msg('The server does not take the connection'),
    text: msg('It is up but answers no WebSocket. If there is a proxy in front of it, let it pass WebSocket upgrades.'),
    action: msg('Try again'), icon: 'unplugged',
  },
  server: {
    title: msg('The server reports a problem'),
    text: msg('The desktop could not be started or shown.'),
    action: msg('Try again'), icon: 'alert',
  },
  ended: {
    title: msg('The session has ended'),
    text: msg('The server closed this session.'),
    action: msg('Connect again'), icon: 'unplugged',
  },
  lost: {
    title: msg('The connection was lost'),
    text: msg('The network changed or the server restarted. Your programs keep running.'),
    action: msg('Reconnect now'), icon: 'unplugged',
  },
  offer: {
    title: msg('The desktop sends no picture yet'),
    text: msg('The server answers but does not start the stream. It may still be starting up; its log tells more.'),
    action: msg('Try again'), icon: 'alert',
  },
  ice: {
    title: msg('The network blocks the picture'),
    text: msg('The server answers, but video finds no way through. A firewall may block UDP: open its ports, or set up a TURN server.'),
    action: msg('Try again'), icon: 'unplugged',
  },
  https: {
    title: msg('This page needs https'),
    text: msg('WebRTC finds no way through or is not offered, and browsers allow the other way only to pages that came by https or from the same machine. Open the page by https, open the UDP ports, or set up a TURN server.'),
    action: msg('Try again'), icon: 'lock',
  },
  frame: {
    title: msg('Connected, but there is no picture'),
    text: msg('Nothing arrives that this browser can show. Another video encoder on the server, or another browser, may help.'),
    action: msg('Try again'), icon: 'alert',
  },
  stalled: {
    title: msg('The picture stopped'),
    text: msg('Nothing came from the desktop for a while, so the connection is being made anew.'),
    action: msg('Reconnect now'), icon: 'unplugged',
  },
  unsupported: {
    title: msg('This browser cannot show the desktop'),
    text: msg('WebRTC is missing or switched off. A current Chrome, Edge, Firefox or Safari will do.'),
    action: msg('Try again'), icon: 'alert',
  },
};

/**
 * @param {import('../core/session.js').Failure} failure
 * @returns {Explanation}
 */
export function explain({ kind, text }) {
  const known = TEXTS[kind];
  // The server's own words beat ours.
  return { does: 'retry', ...known, title: t(known.title), text: text ? sentence(text) : t(known.text), action: t(known.action) };
}

/** What is happening, stage by stage. */
export const STEPS = Object.freeze([
  { stage: 'signalling', text: msg('Reaching the server') },
  { stage: 'negotiating', text: msg('Negotiating') },
  { stage: 'ice', text: msg('Connecting') },
  { stage: 'frame', text: msg('Waiting for the first frame') },
]);

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim().slice(0, 300);
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}
