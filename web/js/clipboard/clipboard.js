/**
 * One clipboard for this machine and the desktop.
 *
 * A paste key is left to the browser, which answers with a paste event; what that brings is sent before
 * the key, and the key (with everything after it) waits until the desktop has acknowledged it. What is
 * copied on the desktop is written to the local clipboard at once, or with the next key or click where
 * the browser insists on one.
 */

import { t } from '../core/i18n.js';
import { Inbox, MAX_CONTENT, contentMessages, sizeOf, textMessage } from '../core/content.js';

/** @typedef {import('../core/content.js').Content} Content */

/** How long a paste event may be behind its key; it is dispatched right after it, if at all. */
const PASTE_LIMIT_MS = 250;
/** How long the desktop may take to acknowledge after the last piece was sent. */
const TAKEN_LIMIT_MS = 5000;

/**
 * @typedef {object} ClipboardOptions
 * @property {(message: string) => boolean} send false when there is no connection
 * @property {() => Promise<void>} drained resolves when there is room for more in the connection
 * @property {{close: () => void, open: () => void, reset: () => void}} gate keeps keys and clicks back
 * @property {Pick<typeof import('./local.js'), 'fromTransfer' | 'readIfGranted' | 'write' | 'copyInEvent' | 'sameContent'>} local
 * @property {(text: string) => void} type types a text that was pasted without a key
 * @property {(text: string) => void} tell tells the user
 * @property {(shared: Shared) => void} [show] what the user may see of the desktop's clipboard has changed
 *
 * @typedef {object} Shared
 * @property {boolean} in whether the desktop takes what is copied here
 * @property {boolean} out whether it tells what is copied there
 * @property {Content | null} content what the desktop would paste, as far as it is known
 */

export class Clipboard {
  #options;
  #inbox = new Inbox();
  /** What the server allows; null while it has not said so, as servers of Selkies never do.
   * @type {{in: boolean, out: boolean} | null} */
  #policy = null;
  #id = 0;
  /** Counts connections: what belongs to an earlier one is over. */
  #generation = 0;
  /** @type {ReturnType<typeof setTimeout> | null} a paste event is expected */
  #expecting = null;
  /** @type {Map<number, () => void>} */
  #taken = new Map();
  /** What came from the desktop last, while it is still what the desktop would paste.
   * @type {Content | null} */
  #fromDesktop = null;
  /** @type {Content | null} what the desktop would paste, whoever copied it */
  #known = null;
  /** @type {Content | null} what the browser did not let us write yet */
  #unwritten = null;

  /** @param {ClipboardOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** What the server said: `true`, `false`, `in` or `out`. @param {string} value */
  setPolicy(value) {
    this.#policy = { in: value === 'true' || value === 'in', out: value === 'true' || value === 'out' };
    this.#show();
  }

  /** Another connection, or none. */
  reset() {
    this.#generation += 1;
    this.#inbox = new Inbox();
    this.#policy = null;
    this.#fromDesktop = null;
    this.#know(null);
    this.#stopExpecting();
    for (const resolve of this.#taken.values()) resolve();
    this.#taken.clear();
    this.#options.gate.reset();
  }

  /** Another connection to the same desktop goes on, which begins anew with what it has to say. */
  handover() {
    this.#inbox = new Inbox();
  }

  /**
   * A key that pastes was pressed.
   * @returns {boolean} whether the browser has to handle it too, so that it tells what it would paste
   */
  pasteKey() {
    if (!(this.#policy?.in ?? true)) return false;
    this.#stopExpecting();
    this.#options.gate.close();
    // Not every paste key pastes in every browser.
    this.#expecting = setTimeout(() => {
      this.#expecting = null;
      this.#options.gate.open();
    }, PASTE_LIMIT_MS);
    return true;
  }

  /** @param {ClipboardEvent} event */
  async pasted(event) {
    event.preventDefault();
    if (!event.clipboardData) return;
    const text = event.clipboardData.getData('text/plain');
    // From a menu of the browser: no key will follow.
    if (this.#expecting === null) return this.#options.type(text);
    this.#stopExpecting();
    const generation = this.#generation;
    await this.#push(await this.#options.local.fromTransfer(event.clipboardData));
    if (generation === this.#generation) this.#options.gate.open();
  }

  /** The window has the focus again: perhaps something was copied elsewhere. */
  async focused() {
    this.gesture();
    if (!this.#policy?.in) return;
    const content = await this.#options.local.readIfGranted();
    if (content) await this.#push(content);
  }

  /** A key or a click: browsers allow more while it is handled. */
  gesture() {
    const content = this.#unwritten;
    this.#unwritten = null;
    if (content) void this.#write(content);
  }

  /** @param {import('../core/content.js').ContentMessage} message */
  receive(message) {
    const content = this.#inbox.take(message);
    if (!content) return;
    this.#fromDesktop = content;
    this.#know(content);
    void this.#write(content);
  }

  /** The desktop pastes our content now; or, without an id, somebody else's. @param {number | null} id */
  taken(id) {
    if (id !== null) return this.#taken.get(id)?.();
    this.#fromDesktop = null;
    this.#know(null);
  }

  /**
   * Content that the user has given by hand.
   * @param {Content} content
   * @returns {Promise<boolean>} whether the desktop has it; if not, the user has been told
   */
  async put(content) {
    const end = await this.#push(content);
    if (end === 'lost') this.#options.tell(t('The desktop does not take it at present'));
    return end === 'taken';
  }

  /**
   * Copies to this machine because the user has clicked for it.
   * @param {Content} content
   * @returns {Promise<boolean>} whether the browser allowed it
   */
  async copy(content) {
    try {
      await this.#options.local.write(content);
      return true;
    } catch {
      return this.#options.local.copyInEvent(content);
    }
  }

  /**
   * @param {Content} content
   * @returns {Promise<'taken' | 'told' | 'lost'>} told: the user knows why not
   */
  async #push(content) {
    const { send, drained, local, tell } = this.#options;
    if (content.size === 0) return 'lost';
    // It came from the desktop: giving it back would replace what its owner there can do with it.
    if (this.#fromDesktop && (await local.sameContent(content, this.#fromDesktop))) return 'taken';
    if (sizeOf(content) > MAX_CONTENT) {
      tell(t('What was copied is too large for the desktop’s clipboard'));
      return 'told';
    }
    this.#fromDesktop = null;
    this.#know(content);
    if (!this.#policy) {
      const text = content.get('text/plain');
      return text && send(textMessage(text)) ? 'taken' : 'lost';
    }
    const generation = this.#generation;
    for (const message of contentMessages(content, () => ++this.#id)) {
      if (!send(message)) return 'lost';
      await drained();
      if (generation !== this.#generation) return 'lost';
    }
    const taken = await this.#untilTaken(this.#id);
    return taken && generation === this.#generation ? 'taken' : 'lost';
  }

  /** @param {number} id @returns {Promise<boolean>} */
  #untilTaken(id) {
    return new Promise((resolve) => {
      const end = (/** @type {boolean} */ taken) => {
        clearTimeout(timer);
        this.#taken.delete(id);
        resolve(taken);
      };
      const timer = setTimeout(end, TAKEN_LIMIT_MS, false);
      this.#taken.set(id, () => end(true));
    });
  }

  /** @param {Content} content */
  async #write(content) {
    const { local } = this.#options;
    try {
      await local.write(content);
    } catch {
      // No focus, no click, or no TLS.
      if (!local.copyInEvent(content)) this.#unwritten = content;
    }
  }

  /** @param {Content | null} content */
  #know(content) {
    this.#known = content;
    this.#show();
  }

  #show() {
    this.#options.show?.({ ...(this.#policy ?? { in: true, out: true }), content: this.#known });
  }

  #stopExpecting() {
    if (this.#expecting !== null) clearTimeout(this.#expecting);
    this.#expecting = null;
  }
}
