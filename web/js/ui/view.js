/** The picture: the video element, the last frame while there is none, and the desktop's cursor. */

import { exactSize, fittedBox } from '../input/geometry.js';

const CURSOR_CACHE = 64;

export class View {
  #area;
  #video;
  #still;
  /** @type {Map<string, {image: string, x: number, y: number}>} */
  #cursors = new Map();
  /** @type {{image: string | null, x: number, y: number} | null} */
  #cursor = null;

  /**
   * @param {{area: HTMLElement, video: HTMLVideoElement, still: HTMLCanvasElement, onFrame: () => void}} parts
   *   onFrame: the first frame of an attached track is on the screen
   */
  constructor({ area, video, still, onFrame }) {
    this.#area = area;
    this.#video = video;
    this.#still = still;
    video.addEventListener('loadeddata', () => {
      this.#still.hidden = true;
      onFrame();
    });
    // A desktop that changes its resolution changes the size of the video in mid-stream.
    video.addEventListener('resize', () => this.fit());
    window.addEventListener('resize', () => this.fit());
  }

  /** @returns {boolean} whether there is something to look at, live or not */
  get hasPicture() {
    return !this.#still.hidden || this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
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
    const { videoWidth, videoHeight } = this.#video;
    const { clientWidth, clientHeight } = this.#area;
    const exact = exactSize(videoWidth, videoHeight, clientWidth, clientHeight, devicePixelRatio);
    this.#video.style.width = exact ? `${exact.width}px` : '';
    this.#video.style.height = exact ? `${exact.height}px` : '';
    this.#applyCursor();
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
    const box = fittedBox(this.#area.getBoundingClientRect(), this.#video.videoWidth, this.#video.videoHeight);
    // The image is in desktop pixels: show it as large as the desktop around it, not larger.
    const density = box.width > 0 && this.#video.videoWidth > 0 ? this.#video.videoWidth / box.width : 1;
    const spot = (/** @type {number} */ n, /** @type {number} */ by) => Math.round(n / by);
    const { x, y } = this.#cursor;
    style.cursor = `${url} ${x} ${y}, default`;
    if (Math.abs(density - 1) > 0.05) {
      // A browser without image-set for cursors ignores this and keeps the line above.
      style.cursor = `image-set(${url} ${density.toFixed(2)}x) ${spot(x, density)} ${spot(y, density)}, default`;
    }
  }
}
