/** Which way picture and sound are to take, from what is wanted, offered and possible. Pure. */

/**
 * @param {object} facts
 * @param {string | null} facts.wanted by the page's address, which goes before what the user has chosen
 * @param {'auto' | 'webrtc' | 'websocket'} facts.chosen
 * @param {'webrtc' | 'websocket' | undefined} facts.offered the only one, if there is but one
 * @param {import('./support.js').Lack} facts.lacks what the WebSocket lacks here
 * @returns {import('./transports.js').Plan}
 */
export function makePlan({ wanted, chosen, offered, lacks }) {
  if (offered) return { mode: offered, reason: 'only', lacks };
  const choice = wanted === 'auto' || wanted === 'webrtc' || wanted === 'websocket' ? wanted : chosen;
  if (choice === 'webrtc') return { mode: 'webrtc', reason: 'chosen', lacks };
  if (lacks) return { mode: 'webrtc', reason: lacks, lacks };
  return choice === 'websocket' ? { mode: 'websocket', reason: 'chosen', lacks } : { mode: 'auto', reason: 'trying', lacks };
}

/** @returns {string} what this page calls itself, so that the server knows its connections as one viewer */
export function pageName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
