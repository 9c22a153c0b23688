/** The picture enlarged by two fingers: where it is then. Pure. */

const MOST = 6;
/** Nearer to its own size than this, it snaps back. */
const SNAP = 1.04;

/** @typedef {{scale: number, x: number, y: number}} Zoom x and y: CSS pixels that the enlarged picture is moved by */

/** @type {Readonly<Zoom>} */
export const UNZOOMED = Object.freeze({ scale: 1, x: 0, y: 0 });

/**
 * @param {Zoom} before
 * @param {number} factor
 * @param {{x: number, y: number}} centre what is here stays here, CSS pixels from the corner of the area
 * @param {{x: number, y: number}} moved but for this
 * @param {{width: number, height: number}} area
 * @returns {Zoom}
 */
export function zoomed(before, factor, centre, moved, area) {
  const scale = Math.min(MOST, Math.max(1, before.scale * factor));
  const grown = scale / before.scale;
  const within = (/** @type {number} */ at, /** @type {number} */ size) => Math.min(0, Math.max(size - size * scale, at));
  return {
    scale,
    x: within(centre.x - (centre.x - before.x) * grown + moved.x, area.width),
    y: within(centre.y - (centre.y - before.y) * grown + moved.y, area.height),
  };
}

/** The fingers are gone. @param {Zoom} zoom @returns {Zoom} */
export const settled = (zoom) => (zoom.scale < SNAP ? UNZOOMED : zoom);
