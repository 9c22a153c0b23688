/**
 * What happens before the scripts are there. The server puts it into the page itself, so that it is there whenever the page
 * is.
 *
 * It begins what takes longest, for the scripts to take up (see core/early.js). And it brings the page back when one of its
 * files did not come: the network changed while it loaded, and where one script is missing none runs.
 */
(() => {
  const FIRST_MS = 500;
  const LAST_MS = 60_000;
  const TIMEOUT_MS = 8000;
  const own = (/** @type {string} */ name) => {
    const url = new URL(name, location.href);
    // fetch and Worker refuse addresses with a password in them.
    url.username = url.password = '';
    return url;
  };
  const health = own('health');
  const ask = async () => {
    const headers = { 'X-Requested-With': 'fetch' };
    const response = await fetch(own('turn'), { headers, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout?.(TIMEOUT_MS) });
    return response.ok ? await response.json() : null;
  };

  /** @type {import('./core/early.js').Early} */
  const early = { config: ask().catch(() => null), worker: null };
  Object.assign(globalThis, { early });
  const worker = document.currentScript?.dataset.worker;
  if (worker && isSecureContext && 'VideoDecoder' in globalThis) {
    early.worker = new Worker(own(worker), { type: 'module' });
    early.worker.addEventListener('error', () => (early.worker = null));
  }

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
