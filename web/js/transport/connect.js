/** The connections of this page, with all that they touch. */

import { takeEarly } from '../core/early.js';
import { fetchConfig, probeHealth } from '../core/http.js';
import { createPeer } from '../core/peer.js';
import { Session } from '../core/session.js';
import { openSignalling, signallingUrl } from '../core/signalling.js';
import { socketParts, startWorker } from './link.js';
import { makePlan, pageName } from './plan.js';
import { watchTrack } from './preview.js';
import { lacking } from './support.js';
import { Transports } from './transports.js';

/**
 * @param {object} options
 * @param {URL} options.base the page
 * @param {() => import('../core/hello.js').Introduction} options.display
 * @param {'auto' | 'webrtc' | 'websocket'} options.chosen by the user
 * @param {() => Promise<void>} options.untilSaid see {@link import('./transports.js').TransportDependencies}
 * @returns {Transports}
 */
export function connect({ base, display, chosen, untilSaid }) {
  const page = pageName();
  const url = signallingUrl(base);
  const wanted = new URLSearchParams(location.search).get('transport');
  const facts = { wanted, chosen, lacks: lacking() };
  /** @type {'webrtc' | 'websocket' | undefined} the only way that the server offers, as it has said last */
  let offered;
  /** @type {ReturnType<typeof fetchConfig> | null} what was fetched for the plan, for whom it is as well */
  let early = null;

  const rest = {
    probeHealth: () => probeHealth(base),
    setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) => setTimeout(callback, ms),
    clearTimeout: (/** @type {any} */ id) => clearTimeout(id),
    now: () => performance.now(),
    random: Math.random,
  };
  const webrtc = () =>
    new Session({
      fetchConfig: () => {
        const fetched = early ?? fetchConfig(base);
        early = null;
        return fetched;
      },
      openSignalling: (handlers) => openSignalling(url, { ...display(), page }, handlers),
      createPeer,
      ...rest,
    });
  const websocket = () =>
    new Session({
      ...socketParts({
        url,
        worker: () => takeEarly('worker') ?? startWorker(),
        introduce: () => ({ ...display(), page, transport: 'websocket' }),
      }),
      ...rest,
    });

  return new Transports({
    createSession: (kind) => (kind === 'webrtc' ? webrtc() : websocket()),
    likely: () => makePlan({ ...facts, offered }),
    async plan() {
      early = fetchConfig(base);
      // What is wrong with it is told by the sessions.
      const config = await early.catch(() => null);
      if (config) offered = config.transport;
      const plan = makePlan({ ...facts, offered });
      if (plan.mode === 'webrtc') takeEarly('worker')?.terminate();
      return plan;
    },
    watchTrack,
    untilSaid,
    ...rest,
  });
}
