/**
 * The service worker of an installed page. It answers nothing itself, so nothing stale is ever served: what does not
 * change has a name of its own and is kept by the browser, the rest is asked for. It is there to take the place of a
 * worker that another client left at the same address, with what that one has stored.
 */

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => {
  const clear = caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))));
  event.waitUntil(clear.then(() => self.clients.claim()));
});
