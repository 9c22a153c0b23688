/** Looks at a track without showing it. */

/**
 * @param {MediaStreamTrack} track
 * @param {() => void} onFrame there is a picture
 * @returns {() => void} ends it
 */
export function watchTrack(track, onFrame) {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.addEventListener('loadeddata', onFrame, { once: true });
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {}); // muted video may always play; being ended interrupts it
  return () => {
    video.removeEventListener('loadeddata', onFrame);
    video.srcObject = null;
  };
}
