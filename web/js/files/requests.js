/** The requests for files, relative to the page. */

/**
 * @param {URL} base
 * @returns {(request: import('./upload.js').UploadRequest) => Promise<import('./upload.js').UploadAnswer>}
 */
export function sender(base) {
  // Not fetch: only this tells how much has been sent.
  return ({ method, path, headers, body, onProgress, signal }) =>
    new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open(method, new URL(path, base));
      for (const [name, value] of Object.entries({ ...headers, 'X-Requested-With': 'fetch' })) request.setRequestHeader(name, value);
      request.upload.addEventListener('progress', ({ loaded }) => onProgress?.(loaded));
      request.addEventListener('loadend', () => {
        const offset = request.getResponseHeader('Upload-Offset');
        resolve({ status: request.status, offset: offset === null ? null : Number(offset), text: request.responseText });
      });
      signal?.addEventListener('abort', () => request.abort(), { once: true });
      if (signal?.aborted) resolve({ status: 0, offset: null, text: '' });
      else request.send(body ?? null);
    });
}

/**
 * @typedef {{upload: boolean, download: boolean, files: {name: string, size: number, modified: number}[]}} Listing
 * @param {URL} base
 * @returns {Promise<Listing | null | undefined>} null: not for this user, or not shared at all; undefined: no answer
 */
export async function listFiles(base) {
  try {
    const response = await fetch(new URL('files/', base), { cache: 'no-store', headers: { 'X-Requested-With': 'fetch' } });
    return response.ok ? await response.json() : null;
  } catch {
    return undefined;
  }
}

/**
 * @param {URL} base
 * @param {string} name
 */
export const fileUrl = (base, name) => new URL(`files/${encodeURIComponent(name)}`, base).href;
