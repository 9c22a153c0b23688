/** The few shortcuts that the client keeps for itself; every other key belongs to the desktop. */

import { msg } from '../core/i18n.js';

/** @typedef {'fullscreen' | 'panel'} Hotkey */

/**
 * @param {{code: string, ctrlKey: boolean, shiftKey: boolean, altKey: boolean, metaKey: boolean, repeat?: boolean}} event
 * @returns {Hotkey | null}
 */
export function hotkeyOf(event) {
  if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return null;
  if (event.code === 'KeyF') return 'fullscreen';
  if (event.code === 'KeyM') return 'panel';
  return null;
}

/** For the help. */
export const SHORTCUTS = Object.freeze([
  { keys: ['Ctrl', 'Shift', 'F'], text: msg('Full screen') },
  { keys: ['Ctrl', 'Shift', 'M'], text: msg('This panel') },
  { keys: ['Ctrl', 'Shift', msg('Click')], text: msg('Capture the pointer') },
  { keys: ['Esc'], text: msg('Release the pointer; hold it to leave full screen') },
  { keys: [msg('Tap')], text: msg('Click; hold for a right click') },
  { keys: [msg('Two fingers')], text: msg('Scroll; spread them to enlarge the picture') },
  { keys: [msg('Three fingers')], text: msg('Keyboard on or off') },
]);
