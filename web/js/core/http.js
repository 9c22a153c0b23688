/** The plain HTTP requests of the client, relative to the page so that any path prefix works. */

import { takeEarly } from './early.js';
import { HttpError } from './session.js';

const TIMEOUT_MS = 8000;

/**
 * @param {URL} base
 * @returns {Promise<RTCConfiguration & {transport?: 'webrtc' | 'websocket'}>} STUN and TURN servers; none if the server
 *   has none to offer. transport: the only one that it offers
 */
export async function fetchConfig(base) {
  const { iceServers, iceTransportPolicy, transport } = (await takeEarly('config')) ?? (await askForConfig(base));
  return {
    ...(transport === 'webrtc' || transport === 'websocket' ? { transport } : {}),
    iceServers: Array.isArray(iceServers) ? iceServers : [],
    iceTransportPolicy: iceTransportPolicy === 'relay' ? 'relay' : 'all',
  };
}

/**
 * @param {URL} base
 * @returns {Promise<any>}
 */
async function askForConfig(base) {
  const response = await get(new URL('turn', base));
  if (response.status === 404) return {};
  if (!response.ok) throw new HttpError(response.status);
  return response.json().catch(() => {
    throw new HttpError(response.status);
  });
}

/**
 * @param {URL} base
 * @returns {Promise<'up' | 'auth' | 'unreachable'>}
 */
export async function probeHealth(base) {
  try {
    const { status } = await get(new URL('turn', base)); // /health answers without a password too
    if (status === 401 || status === 429) return 'auth';
    // A proxy in front answers 502 to 504 for a server that is not there.
    return status >= 502 && status <= 504 ? 'unreachable' : 'up';
  } catch {
    return 'unreachable';
  }
}

/**
 * @param {URL} base
 * @param {boolean} once good for one browser only
 * @returns {Promise<URL>} the address for somebody who may watch only
 */
export async function createLink(base, once) {
  const response = await request(new URL('links', base), 'POST', JSON.stringify({ once }));
  if (!response.ok) throw new HttpError(response.status);
  const link = new URL('join', base);
  // Behind the #, where it gets into no log.
  link.hash = (await response.json()).link;
  return link;
}

/**
 * Makes all links void, and shows out who came by one.
 *
 * @param {URL} base
 */
export async function revokeLinks(base) {
  const response = await request(new URL('links', base), 'DELETE');
  if (!response.ok) throw new HttpError(response.status);
}

/**
 * @param {URL} base
 * @returns {Promise<boolean>} whether there is anything to sign out of
 */
export async function isSignedIn(base) {
  const response = await get(new URL('session', base)).catch(() => null);
  const by = response?.ok ? (await response.json()).by : null;
  return by === 'password' || by === 'link';
}

/**
 * The session of this browser ends, and its stored password does not count until it is typed again.
 *
 * @param {URL} base
 */
export async function signOut(base) {
  const response = await request(new URL('session', base), 'DELETE');
  if (!response.ok) throw new HttpError(response.status);
}

/**
 * @param {string} language one of LANGUAGES
 * @returns {Promise<import('./i18n.js').Catalog | null>} null: the page stays in English
 */
export async function fetchCatalog(language) {
  try {
    // Beside the code, so that it is of the same version.
    const response = await fetch(new URL(`../../locales/${language}.json`, import.meta.url), { credentials: 'same-origin' });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** @param {URL} url */
const get = (url) => request(url, 'GET');

/**
 * @param {URL} url
 * @param {'GET' | 'POST' | 'DELETE'} method
 * @param {string} [body]
 */
async function request(url, method, body) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new TypeError('timed out')), TIMEOUT_MS);
  try {
    // The header says that no person is there to be asked for a password: see http/auth.rs.
    const headers = { 'X-Requested-With': 'fetch' };
    return await fetch(url, { method, headers, body, cache: 'no-store', credentials: 'same-origin', signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}
