/**
 * Brings the page back when one of its files did not come: the network changed while it loaded, and where one script is
 * missing none runs. The server puts it into the page itself, so that it is there whenever the page is.
 */
(() => {
  const FIRST_MS = 500;
  const LAST_MS = 60_000;
  const health = new URL('health', location.href);
  // fetch refuses addresses with a password in them.
  health.username = health.password = '';
  let waits = false;

  /** @param {number} tries that did not help */
  const again = (tries) => {
    setTimeout(async () => {
      // Never to the browser's own page of errors, from which nothing comes back.
      const isUp = await fetch(health, { cache: 'no-store' }).then(({ ok }) => ok, () => false);
      if (!isUp) return again(tries + 1);
      // Outlives the loading; main.js forgets it.
      history.replaceState({ tries: tries + 1 }, '');
      location.reload();
    }, Math.min(FIRST_MS * 2 ** tries, LAST_MS));
  };

  const missed = (/** @type {Event} */ { target }) => {
    const counts = target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel === 'stylesheet');
    if (!counts || waits) return;
    waits = true;
    document.title = 'Trying again… – egldesktop';
    again(Number(history.state?.tries) || 0);
  };
  // The events of elements do not bubble.
  addEventListener('error', missed, { capture: true });
})();
