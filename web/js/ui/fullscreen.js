/** Full screen, with the keys that the system would otherwise keep for itself. */

/** @returns {boolean} */
export const isFullscreen = () => document.fullscreenElement !== null;

/** @returns {boolean} iPhones have no full screen for pages */
export const canFullscreen = () => document.fullscreenEnabled === true;

/**
 * @returns {Promise<'entered' | 'entered-with-keys' | 'left' | 'refused'>}
 */
export async function toggleFullscreen() {
  try {
    if (isFullscreen()) {
      await document.exitFullscreen();
      return 'left';
    }
    await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
  } catch {
    return 'refused';
  }
  // Alt+Tab, Escape, Super and Ctrl+W go to the desktop; only in full screen, and not everywhere.
  const { keyboard } = /** @type {{keyboard?: {lock?: () => Promise<void>}}} */ (navigator);
  if (!keyboard?.lock) return 'entered';
  return keyboard.lock().then(
    () => 'entered-with-keys',
    () => 'entered',
  );
}
