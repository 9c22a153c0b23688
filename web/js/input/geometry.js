/** Where a pointer is on the desktop; pure, so that letterboxing is tested without a browser. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {{x: number, y: number}} Point */

/**
 * The part of `box` that the picture covers when it is fitted in whole and centred.
 * @param {Box} box
 * @param {number} videoWidth
 * @param {number} videoHeight
 * @returns {Box}
 */
export function fittedBox(box, videoWidth, videoHeight) {
  if (!(videoWidth > 0 && videoHeight > 0 && box.width > 0 && box.height > 0)) return box;
  const scale = Math.min(box.width / videoWidth, box.height / videoHeight);
  const width = videoWidth * scale;
  const height = videoHeight * scale;
  return {
    left: box.left + (box.width - width) / 2,
    top: box.top + (box.height - height) / 2,
    width,
    height,
  };
}

/**
 * @param {number} clientX
 * @param {number} clientY
 * @param {Box} box the element's box
 * @param {number} videoWidth
 * @param {number} videoHeight
 * @returns {Point} pixel of the video frame, clamped to the frame so that a flick past the edge ends
 *   at the edge, where panels and hot corners are
 */
export function toVideo(clientX, clientY, box, videoWidth, videoHeight) {
  const fit = fittedBox(box, videoWidth, videoHeight);
  const x = Math.floor(((clientX - fit.left) * videoWidth) / fit.width);
  const y = Math.floor(((clientY - fit.top) * videoHeight) / fit.height);
  return { x: clamp(x, videoWidth - 1), y: clamp(y, videoHeight - 1) };
}

/**
 * The box, in CSS pixels, in which the video maps one to one onto the screen; null where it has to
 * be scaled. Two pixels of slack: encoders want even sizes.
 * @param {number} videoWidth
 * @param {number} videoHeight
 * @param {number} width of the window, CSS pixels
 * @param {number} height
 * @param {number} ratio devicePixelRatio
 * @param {boolean} smaller whether a video smaller than the window stays so, in the middle
 * @returns {Box | null}
 */
export function exactSize(videoWidth, videoHeight, width, height, ratio, smaller = false) {
  const close = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - b) <= 2;
  const within = videoWidth > 0 && videoWidth <= width * ratio + 2 && videoHeight <= height * ratio + 2;
  if (!(smaller && within) && !(close(videoWidth, width * ratio) && close(videoHeight, height * ratio))) return null;
  // On whole pixels of the screen, or all of them would be smeared.
  const middle = (/** @type {number} */ window, /** @type {number} */ video) => Math.max(0, Math.floor((window * ratio - video) / 2)) / ratio;
  return { left: middle(width, videoWidth), top: middle(height, videoHeight), width: videoWidth / ratio, height: videoHeight / ratio };
}

/**
 * The resolution to ask the server for: physical pixels, even because video encoders need it.
 * @param {number} width CSS pixels
 * @param {number} height CSS pixels
 * @param {number} ratio devicePixelRatio
 * @returns {{width: number, height: number}}
 */
export function wantedResolution(width, height, ratio) {
  const even = (/** @type {number} */ n) => Math.max(2, Math.floor((n * ratio) / 2) * 2);
  return { width: even(width), height: even(height) };
}

/**
 * MouseEvent.buttons (left, right, middle, back, forward) to the wire mask, where bit 1 is middle
 * and bit 2 is right.
 * @param {number} buttons
 * @returns {number}
 */
export function maskOfButtons(buttons) {
  return (buttons & 0b11001) | ((buttons & 2) << 1) | ((buttons & 4) >> 1);
}

/**
 * @param {number} value
 * @param {number} max
 */
function clamp(value, max) {
  return Math.min(Math.max(value || 0, 0), Math.max(max, 0));
}
