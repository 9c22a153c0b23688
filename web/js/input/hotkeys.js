/** The few shortcuts that the client keeps for itself; every other key belongs to the desktop. */

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
  { keys: ['Ctrl', 'Shift', 'F'], text: 'Full screen' },
  { keys: ['Ctrl', 'Shift', 'M'], text: 'This panel' },
  { keys: ['Ctrl', 'Shift', 'Click'], text: 'Capture the pointer' },
  { keys: ['Esc'], text: 'Release the pointer; hold it to leave full screen' },
  { keys: ['Tap'], text: 'Click; hold for a right click' },
  { keys: ['Two fingers'], text: 'Scroll' },
]);
