/** Whether this browser can show the desktop without WebRTC. */

/** @typedef {'https' | 'webcodecs' | null} Lack https, because browsers have WebCodecs only there and on this machine itself */

/** @returns {Lack} what this page would need for the WebSocket and does not have */
export function lacking() {
  if (!isSecureContext) return 'https';
  return typeof VideoDecoder === 'undefined' ? 'webcodecs' : null;
}
