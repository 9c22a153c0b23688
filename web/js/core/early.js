/** What boot.js has begun while the scripts came. */

/**
 * @typedef {object} Early
 * @property {Promise<any> | null} config what fetchConfig asks for; null where that did not come
 * @property {Worker | null} worker of the WebSocket; null where it did not start, or is not wanted
 */

/**
 * Each is good once.
 *
 * @template {keyof Early} Name
 * @param {Name} name
 * @returns {Early[Name]} null where boot.js has not begun that
 */
export function takeEarly(name) {
  const { early } = /** @type {{early?: Early}} */ (globalThis);
  const begun = early?.[name] ?? null;
  if (early) early[name] = null;
  return begun;
}
