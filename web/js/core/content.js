/**
 * Clipboard content on the wire: pieces of base64 in both directions, several formats of one copy kept
 * together. Pure.
 *
 * To the server: `cbs,id,mime,size[,more]`, `cbd,id,<base64>`, `cbe,id`; `more` says that another format
 * of the same content follows. From the server: `clipboard-msg-start`, `-data`, `-end` likewise, or one
 * `clipboard` with text, from servers that know nothing else.
 */

/** @typedef {'text/plain' | 'text/html' | 'image/png'} Mime */
/** @typedef {Map<Mime, Uint8Array<ArrayBuffer>>} Content what was copied, by format */

/** The formats that are shared. @type {readonly Mime[]} */
export const MIMES = Object.freeze(['text/plain', 'text/html', 'image/png']);
/** What the server takes, all formats together. */
export const MAX_CONTENT = 16 * 1024 * 1024;
/** 16 KiB of base64, which every data channel carries. */
const PIECE = 12 * 1024;

/** @param {Content} content */
export function sizeOf(content) {
  return [...content.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}

/**
 * @param {Content} content
 * @param {() => number} nextId numbers the transfers; the last one's is acknowledged
 * @returns {Generator<string>}
 */
export function* contentMessages(content, nextId) {
  let left = content.size;
  for (const [mime, bytes] of content) {
    const id = nextId();
    left -= 1;
    yield `cbs,${id},${mime},${bytes.length}${left > 0 ? ',more' : ''}`;
    for (let start = 0; start < bytes.length; start += PIECE) {
      yield `cbd,${id},${toBase64(bytes.subarray(start, start + PIECE))}`;
    }
    yield `cbe,${id}`;
  }
}

/** Text for a server that takes nothing else. @param {Uint8Array} text */
export const textMessage = (text) => `cw,${toBase64(text)}`;

/**
 * @typedef {{type: 'clipboard', base64: string}
 *   | {type: 'clipboard-start', mime: Mime | null, size: number, more: boolean}
 *   | {type: 'clipboard-data', base64: string}
 *   | {type: 'clipboard-end'}} ContentMessage `mime` is null for a format that is not shared
 */

/** Puts what the server sends together again. */
export class Inbox {
  /** @type {{mime: Mime | null, bytes: Uint8Array<ArrayBuffer>, filled: number, more: boolean} | null} */
  #part = null;
  /** @type {Content} */
  #content = new Map();

  /**
   * @param {ContentMessage} message
   * @returns {Content | null} content that is complete
   */
  take(message) {
    switch (message.type) {
      case 'clipboard':
        this.#reset();
        return new Map([['text/plain', fromBase64(message.base64)]]);
      case 'clipboard-start':
        if (message.size > MAX_CONTENT - sizeOf(this.#content)) this.#reset();
        else this.#part = { mime: message.mime, bytes: new Uint8Array(message.size), filled: 0, more: message.more };
        return null;
      case 'clipboard-data': {
        if (!this.#part) return null;
        const piece = fromBase64(message.base64);
        if (this.#part.filled + piece.length > this.#part.bytes.length) return this.#reset();
        this.#part.bytes.set(piece, this.#part.filled);
        this.#part.filled += piece.length;
        return null;
      }
      default: {
        const part = this.#part;
        this.#part = null;
        if (!part || part.filled < part.bytes.length) return this.#reset();
        if (part.mime) this.#content.set(part.mime, part.bytes);
        if (part.more) return null;
        const content = this.#content;
        this.#reset();
        return content.size > 0 ? content : null;
      }
    }
  }

  /** @returns {null} */
  #reset() {
    this.#part = null;
    this.#content = new Map();
    return null;
  }
}

/** @param {Uint8Array} bytes a piece: the arguments of a function have a limit */
function toBase64(bytes) {
  let binary = '';
  for (let start = 0; start < bytes.length; start += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(start, start + PIECE));
  }
  return btoa(binary);
}

/** @param {string} base64 checked when the message was decoded @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
