// Watches one place of the picture, in whatever element of the page shows it, and writes down when its colour changes.
(() => {
  const AGAIN = 3;
  const eye = { changes: [], frames: 0, first: null, presses: [] };
  window.eye = eye;
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const wide = (element) => (element.videoWidth ?? element.width) >= 1000;
  const find = () => [...document.querySelectorAll('video')].find(wide)
    ?? (window.eyeCanvas && [...document.querySelectorAll('canvas')].find(wide));
  let colour = '';
  const look = (element, now) => {
    const width = element.videoWidth ?? element.width, height = element.videoHeight ?? element.height;
    context.drawImage(element, width * 32 / 1920, height * 32 / 1080, 4, 4, 0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    const seen = red > 120 && blue < 80 ? 'red' : blue > 120 && red < 80 ? 'blue' : 'other';
    if (seen === 'other' || seen === colour) return;
    colour = seen;
    eye.first ??= now;
    eye.changes.push([seen, performance.timeOrigin + now]);
  };
  let followed = null;
  // Once per frame of the picture where the element tells, else once per frame of the page.
  const follow = (element) => {
    followed = element;
    const next = () => {
      if (element !== followed) return;
      if (element.requestVideoFrameCallback) element.requestVideoFrameCallback(step);
      else requestAnimationFrame(step);
    };
    // Of two frames in one frame of the page, the browser may tell only the first, and the next is a while away.
    let again = 0;
    const more = (times) => {
      again = requestAnimationFrame(() => {
        if (element !== followed) return;
        look(element, performance.now());
        if (times > 1) more(times - 1);
      });
    };
    // Not the time of the page's frame, which is before this.
    const step = () => {
      eye.frames++;
      look(element, performance.now());
      if (element.requestVideoFrameCallback) {
        cancelAnimationFrame(again);
        more(AGAIN);
      }
      next();
    };
    // One that comes into the page as it plays has a picture already, and the next may be a second away.
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) requestAnimationFrame(step);
    else next();
  };
  const search = () => {
    if (followed) return;
    const element = find();
    if (element) follow(element);
    else requestAnimationFrame(search);
  };
  search();
  // A page may put another element into the place of the one that it began with.
  new MutationObserver(() => {
    if (!followed || followed.isConnected) return;
    followed = null;
    search();
  }).observe(document, { childList: true, subtree: true });
  addEventListener('pointerdown', (event) => eye.presses.push(performance.timeOrigin + event.timeStamp), true);
  // How the page's clock differs from the one that the X client reads: Date has whole milliseconds, so on average.
  eye.clock = () => {
    let sum = 0;
    for (let i = 0; i < 2000; i++) sum += Date.now() + 0.5 - performance.timeOrigin - performance.now();
    return sum / 2000;
  };
})();
