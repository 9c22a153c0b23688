/**
 * A file to the desktop, in as many requests as the network needs: what has arrived stays there, and after a cut the
 * next request goes on behind it. The same file, dropped again after the page was closed, goes on as well.
 */

import { backoff } from '../core/backoff.js';

/**
 * @typedef {'waiting' | 'sending' | 'done' | 'failed' | 'cancelled'} UploadState
 * @typedef {{status: number, offset: number | null, text: string}} UploadAnswer status 0: the connection broke
 *
 * @typedef {object} UploadRequest
 * @property {'HEAD' | 'PATCH' | 'DELETE'} method
 * @property {string} path relative to the page
 * @property {Record<string, string>} [headers]
 * @property {Blob} [body]
 * @property {(sent: number) => void} [onProgress]
 * @property {AbortSignal} [signal]
 *
 * @typedef {object} UploadDependencies
 * @property {(request: UploadRequest) => Promise<UploadAnswer>} send never rejects
 * @property {(milliseconds: number) => Promise<void>} sleep
 * @property {() => number} random
 */

/**
 * The same for the same file.
 * @param {{name: string, size: number, lastModified: number}} file
 */
export function uploadId({ name, size, lastModified }) {
  // FNV-1a, twice: it only has to tell the files of one user apart.
  const hash = (/** @type {number} */ seed) => {
    let value = seed;
    for (const char of `${name}\0${lastModified}`) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return value.toString(16).padStart(8, '0');
  };
  return `${hash(0x811c9dc5)}${hash(0x01234567)}-${size.toString(16)}`;
}

/** Emits `change`. */
export class Upload extends EventTarget {
  #deps;
  #file;
  #path;
  #abort = new AbortController();
  /** @type {UploadState} */
  state = 'waiting';
  /** Bytes that have arrived, as far as this page knows. */
  sent = 0;
  /** What the server says; or the name under which it has stored the file. */
  text = '';

  /**
   * @param {File} file
   * @param {UploadDependencies} deps
   */
  constructor(file, deps) {
    super();
    this.#file = file;
    this.#deps = deps;
    this.#path = `uploads/${uploadId(file)}/${encodeURIComponent(file.name)}`;
  }

  get name() {
    return this.#file.name;
  }

  get size() {
    return this.#file.size;
  }

  /** @returns {Promise<void>} resolves once it is over, one way or another */
  async run() {
    let failures = 0;
    while (!this.#abort.signal.aborted) {
      const before = this.sent;
      const answer = await this.#once();
      if (this.#abort.signal.aborted) break;
      if (answer.status === 201) return this.#end('done', answer.text);
      const final = answer.status >= 400 && answer.status !== 408 && answer.status !== 409 && answer.status < 500;
      if (final || answer.status === 507) return this.#end('failed', answer.text);
      failures = this.sent > before ? 0 : failures + 1;
      this.#change('waiting');
      if (answer.status !== 204) await this.#deps.sleep(backoff(failures, this.#deps.random));
    }
    // What has arrived is of no use to anybody.
    await this.#deps.send({ method: 'DELETE', path: this.#path });
    this.#end('cancelled', '');
  }

  cancel() {
    this.#abort.abort();
  }

  async #once() {
    const { signal } = this.#abort;
    const there = await this.#deps.send({ method: 'HEAD', path: this.#path, signal });
    if (there.status !== 204) return there;
    const offset = there.offset ?? 0;
    if (offset > this.size) return this.#deps.send({ method: 'DELETE', path: this.#path, signal });
    this.sent = offset;
    this.#change('sending');
    return this.#deps.send({
      method: 'PATCH',
      path: this.#path,
      headers: { 'Upload-Offset': String(offset), 'Upload-Length': String(this.size) },
      body: this.#file.slice(offset),
      signal,
      onProgress: (sent) => {
        this.sent = offset + sent;
        this.#change('sending');
      },
    });
  }

  /**
   * @param {UploadState} state
   * @param {string} text
   */
  #end(state, text) {
    if (state === 'done') this.sent = this.size;
    this.text = text.trim();
    this.#change(state);
  }

  /** @param {UploadState} state */
  #change(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}
