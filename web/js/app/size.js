/** The size that the desktop's screen shall have: that of the window, or what the user has chosen. */

import { preference } from '../core/preferences.js';
import { resize, scale } from '../core/protocol.js';
import { wantedResolution } from '../input/geometry.js';

/** A window that is being resized sends many events. */
const PAUSE_MS = 500;

/** @returns {{width: number, height: number}} pixels */
export function desktopSize() {
  const fixed = /^(\d+)x(\d+)$/.exec(preference('resolution'));
  if (fixed) return { width: Number(fixed[1]), height: Number(fixed[2]) };
  const { clientWidth, clientHeight } = document.body;
  return wantedResolution(clientWidth, clientHeight, devicePixelRatio);
}

/**
 * Follows the window.
 * @param {import('./server.js').Server} server
 * @param {(text: string) => void} send
 * @returns {() => void} sends the size, because something else has changed
 */
export function followWindow(server, send) {
  const sendSize = () => {
    // Only a server that said so follows the window; to others this would be noise.
    if (!server.resizes) return;
    const { width, height } = desktopSize();
    send(scale(devicePixelRatio));
    send(resize(width, height));
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  window.addEventListener('resize', () => {
    clearTimeout(timer);
    timer = setTimeout(sendSize, PAUSE_MS);
  });
  return sendSize;
}
