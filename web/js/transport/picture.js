/**
 * Decoded frames as a track for the page's video element. Browsers differ in how: a generator whose stream goes to the
 * worker (Chromium), one that is made in the worker (Safari, see worker/decoding.js), or a canvas (Firefox).
 */

/** @returns {{track: MediaStreamTrack, writable: WritableStream} | null} null where this browser has none */
export function openGenerator() {
  const Generator = /** @type {any} */ (globalThis).MediaStreamTrackGenerator;
  if (!Generator) return null;
  const track = new Generator({ kind: 'video' });
  return { track, writable: track.writable };
}

/** @returns {{track: MediaStreamTrack, draw: (frame: VideoFrame) => void}} */
export function openCanvas() {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { alpha: false, desynchronized: true });
  const [track] = canvas.captureStream().getVideoTracks();
  return {
    track,
    draw(frame) {
      if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight) {
        canvas.width = frame.displayWidth;
        canvas.height = frame.displayHeight;
      }
      context?.drawImage(frame, 0, 0);
      frame.close();
    },
  };
}
