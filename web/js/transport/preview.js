/** Plays a track beside the page, until it is known whether it is the one to show. */

/**
 * @typedef {object} Preview
 * @property {HTMLVideoElement} video which plays the track
 * @property {() => void} end ends it, unless it is shown
 */

/**
 * @param {MediaStreamTrack} track
 * @param {() => void} onFrame there is a picture
 * @returns {Preview}
 */
export function watchTrack(track, onFrame) {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.addEventListener('loadeddata', onFrame, { once: true });
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {}); // muted video may always play; being ended interrupts it
  const end = () => {
    video.removeEventListener('loadeddata', onFrame);
    video.srcObject = null;
  };
  return { video, end };
}
