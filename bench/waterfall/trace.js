// Watches one place of the picture, and writes down the way of each frame in which its colour has changed. Times are
// milliseconds since 1970 on the page's clock.
(() => {
  const changes = [];
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  let colour = '';
  const AGAIN = 3;
  const look = (video, frame) => {
    context.drawImage(video, video.videoWidth * 32 / 1920, video.videoHeight * 32 / 1080, 4, 4, 0, 0, 1, 1);
    const [red, , blue] = context.getImageData(0, 0, 1, 1).data;
    const seen = performance.timeOrigin + performance.now();
    const now = red > 120 && blue < 80 ? 'red' : blue > 120 && red < 80 ? 'blue' : colour;
    if (now === colour) return;
    const at = (time) => time === undefined ? null : performance.timeOrigin + time;
    changes.push({
      colour: now,
      received: at(frame.receiveTime),
      decoding: frame.processingDuration === undefined ? null : frame.processingDuration * 1000,
      presented: at(frame.presentationTime),
      displayed: at(frame.expectedDisplayTime),
      seen,
    });
    colour = now;
  };
  // Of two frames in one frame of the page, the browser may tell only the first, and the next is a while away: the second
  // one's way is not known.
  let again = 0;
  const more = (video, times) => {
    again = requestAnimationFrame(() => {
      look(video, {});
      if (times > 1) more(video, times - 1);
    });
  };
  const step = (video) => (_, frame) => {
    look(video, frame);
    cancelAnimationFrame(again);
    more(video, AGAIN);
    follow(video);
  };
  let followed = null;
  const follow = (video) => {
    followed = video;
    if (video.isConnected) video.requestVideoFrameCallback(step(video));
  };
  const search = () => {
    const video = [...document.querySelectorAll('video')].find((element) => element.videoWidth >= 1000);
    if (video && video !== followed) follow(video);
    requestAnimationFrame(search);
  };
  search();
  // How the page's clock differs from the one that the X client reads: Date has whole milliseconds, so on average.
  const clock = () => {
    let sum = 0;
    for (let i = 0; i < 2000; i++) sum += Date.now() + 0.5 - performance.timeOrigin - performance.now();
    return sum / 2000;
  };
  window.trace = () => JSON.stringify({ changes, clock: clock() });
})();
