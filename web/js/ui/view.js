/** The picture: the video element, the last frame while there is none, and the desktop's cursor. */

import { exactSize, fittedBox } from '../input/geometry.js';
import { UNZOOMED, settled, zoomed } from './zoom.js';

const CURSOR_CACHE = 64;

export class View {
  #area;
  #video;
  #still;
  #scaling;
  #onFrame;
  #zoom = UNZOOMED;
  #size = { width: 0, height: 0 };
  /** @type {Map<string, {image: string, x: number, y: number}>} */
  #cursors = new Map();
  /** @type {{image: string | null, x: number, y: number} | null} */
  #cursor = null;

  /**
   * @param {{area: HTMLElement, video: HTMLVideoElement, still: HTMLCanvasElement, scaling: () => 'fit' | 'exact', onFrame: () => void}} parts
   *   scaling: as large as the window, or never larger than pixel for pixel; onFrame: the first frame of
   *   an attached track is on the screen
   */
  constructor({ area, video, still, scaling, onFrame }) {
    this.#scaling = scaling;
    this.#area = area;
    this.#onFrame = onFrame;
    this.#video = this.#adopt(video);
    this.#still = still;
    // Not only with the window: an on-screen keyboard takes a part of it.
    new ResizeObserver(() => this.fit()).observe(area);
    // The pointers are not counted: a finger that stays is no reason to keep an almost unnoticeable zoom.
    area.addEventListener('pointerup', () => this.#applyZoom(settled(this.#zoom)));
  }

  /** @returns {boolean} whether there is something to look at, live or not */
  get hasPicture() {
    return !this.#still.hidden || this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  /** @returns {{width: number, height: number}} of the desktop; while a new stream has no picture yet, that of the last one */
  get size() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (width > 0 && height > 0) this.#size = { width, height };
    return this.#size;
  }

  /** @returns {HTMLVideoElement} the one in the page */
  get video() {
    return this.#video;
  }

  /** @param {HTMLVideoElement} video */
  #adopt(video) {
    video.addEventListener('loadeddata', () => {
      if (this.#video !== video) return;
      this.#still.hidden = true;
      this.#onFrame();
    });
    // A desktop that changes its resolution changes the size of the video in mid-stream.
    video.addEventListener('resize', () => this.fit());
    return video;
  }

  /** Shows an element that plays already, in the place of the one before. @param {HTMLVideoElement} video */
  show(video) {
    const before = this.#video;
    for (const { name, value } of before.attributes) video.setAttribute(name, value);
    before.replaceWith(video);
    before.srcObject = null;
    this.#video = this.#adopt(video);
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.#still.hidden = true;
    this.fit();
  }

  /** @param {MediaStreamTrack} track */
  attach(track) {
    this.keepStill();
    this.#video.srcObject = new MediaStream([track]);
    this.#video.play().catch(() => {}); // muted video may always play; a newer stream interrupts it
  }

  /** Copies the last frame, because the element goes black with the next stream. */
  keepStill() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext('2d', { alpha: false })?.drawImage(this.#video, 0, 0);
    this.#still.style.cssText = this.#video.style.cssText;
    this.#still.hidden = false;
  }

  /** Shows the video pixel for pixel where the sizes allow it, fitted into the window elsewhere. */
  fit() {
    const { width, height } = this.size;
    const { clientWidth, clientHeight } = this.#area;
    const exact = exactSize(width, height, clientWidth, clientHeight, devicePixelRatio, this.#scaling() === 'exact');
    const pixels = (/** @type {number | undefined} */ n) => (n === undefined ? '' : `${n}px`);
    const { style } = this.#video;
    [style.left, style.top, style.width, style.height] = [exact?.left, exact?.top, exact?.width, exact?.height].map(pixels);
    this.#applyZoom(zoomed(this.#zoom, 1, { x: 0, y: 0 }, { x: 0, y: 0 }, { width: clientWidth, height: clientHeight }));
    this.#applyCursor();
  }

  /**
   * Enlarges the picture around a point of the page, which moves.
   * @param {number} factor
   * @param {{x: number, y: number}} centre
   * @param {{x: number, y: number}} moved
   */
  zoom(factor, centre, moved) {
    const { clientWidth, clientHeight } = this.#area;
    this.#applyZoom(zoomed(this.#zoom, factor, centre, moved, { width: clientWidth, height: clientHeight }));
  }

  /** @param {import('./zoom.js').Zoom} zoom */
  #applyZoom(zoom) {
    this.#zoom = zoom;
    this.#video.style.transform = zoom.scale === 1 ? '' : `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
  }

  /** @param {import('../core/protocol.js').CursorMessage} message */
  setCursor({ image, hotspot, handle }) {
    const cursor = { image, x: hotspot.x, y: hotspot.y };
    if (image) {
      this.#cursors.set(handle, { ...cursor, image });
      const oldest = this.#cursors.keys().next().value;
      if (this.#cursors.size > CURSOR_CACHE && oldest !== undefined) this.#cursors.delete(oldest);
      this.#cursor = cursor;
    } else {
      // A handle without an image refers to one that came before.
      this.#cursor = (image === '' && this.#cursors.get(handle)) || cursor;
    }
    this.#applyCursor();
  }

  /** Another connection may number its cursors anew. */
  forgetCursors() {
    this.#cursors.clear();
    this.#cursor = null;
    this.#applyCursor();
  }

  #applyCursor() {
    const { style } = this.#area;
    if (!this.#cursor?.image) {
      style.cursor = this.#cursor?.image === null ? 'none' : 'default';
      return;
    }
    const url = `url("data:image/png;base64,${this.#cursor.image}")`;
    const { width, height } = this.size;
    const box = fittedBox(this.#area.getBoundingClientRect(), width, height);
    // The image is in desktop pixels: show it as large as the desktop around it, not larger.
    const density = box.width > 0 && width > 0 ? width / box.width : 1;
    const spot = (/** @type {number} */ n, /** @type {number} */ by) => Math.round(n / by);
    const { x, y } = this.#cursor;
    style.cursor = `${url} ${x} ${y}, default`;
    if (Math.abs(density - 1) > 0.05) {
      // A browser without image-set for cursors ignores this and keeps the line above.
      style.cursor = `image-set(${url} ${density.toFixed(2)}x) ${spot(x, density)} ${spot(y, density)}, default`;
    }
  }
}
