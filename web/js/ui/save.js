/** Files for the user's machine. */

import { h } from './dom.js';

/**
 * @param {string} name
 * @param {string} text
 */
export function saveText(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  h('a', { href: url, download: name }).click();
  // The download has taken what it needs by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
