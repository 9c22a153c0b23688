/**
 * The desktop's clipboard, to look at, to copy from and to fill by hand: for browsers that let a page have theirs only
 * now and then, or not at all.
 */

import { t } from '../core/i18n.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { section } from './section.js';

/** @typedef {import('../core/content.js').Content} Content */

/**
 * @typedef {object} ClipboardSectionOptions
 * @property {(content: Content) => Promise<boolean>} put gives it to the desktop; if that fails, the user has been told
 * @property {(content: Content) => Promise<boolean>} copy to this machine; whether the browser allowed it
 * @property {(() => Promise<Content>) | null} read what was copied here; null where the browser has no such thing
 * @property {(text: string) => void} tell
 */

/** More is not for reading; it is copied whole all the same. */
const SHOWN = 20_000;

export class ClipboardSection {
  #options;
  #text = h('textarea', { class: 'field', rows: 3, spellcheck: 'false', 'aria-label': t('Clipboard of the desktop') });
  #image = h('img', { class: 'clipboard-image', alt: t('The image in the clipboard of the desktop'), hidden: true });
  #more = h('p', { class: 'hint', hidden: true }, t('This is the beginning; all of it is copied.'));
  #send;
  #copy;
  #paste;
  /** @type {import('../clipboard/clipboard.js').Shared} */
  #shared = { in: false, out: false, content: null };
  #control = true;
  #open = false;
  /** Whether what is known is what is shown. */
  #current = false;
  /** Whether the user has written something that is not on the desktop yet. */
  #edited = false;
  element;

  /** @param {ClipboardSectionOptions} options */
  constructor(options) {
    this.#options = options;
    this.#send = h('button', { class: 'icon-button send', type: 'button', 'aria-label': t('Put the text into the clipboard of the desktop'), title: t('Put the text into the clipboard of the desktop'), onclick: () => void this.#sendText() }, icon('send'));
    this.#copy = h('button', { class: 'key', type: 'button', onclick: () => void this.#copyHere() }, t('Copy to this device'));
    this.#paste = h('button', { class: 'key', type: 'button', onclick: () => void this.#pasteFromHere() }, t('Paste from this device'));
    this.#text.addEventListener('input', () => (this.#edited = true));
    this.#text.addEventListener('blur', () => {
      if (this.#text.value !== '') return;
      this.#edited = this.#current = false;
      this.#render();
    });
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void this.#sendText();
    });
    this.element = section(
      'clipboard',
      t('Clipboard'),
      h('div', { class: 'type-box' }, this.#text, this.#send),
      this.#more,
      this.#image,
      h('div', { class: 'keys' }, this.#copy, this.#paste),
    );
    this.element.hidden = true;
  }

  /** @param {import('../clipboard/clipboard.js').Shared} shared */
  show(shared) {
    this.#shared = shared;
    this.#current = false;
    this.#render();
  }

  /** Who only watches shares no clipboard. @param {boolean} control */
  setControl(control) {
    this.#control = control;
    this.#render();
  }

  /** Pictures and long texts cost something to show. @param {boolean} open whether the panel is */
  setOpen(open) {
    this.#open = open;
    this.#render();
  }

  #render() {
    const { in: mayPut, out: mayRead, content } = this.#shared;
    this.element.hidden = !this.#control || !(mayPut || mayRead);
    this.#text.placeholder = mayRead ? t('What is copied on the desktop appears here') : t('Text for the clipboard of the desktop');
    this.#copy.hidden = !mayRead;
    this.#copy.disabled = content === null;
    this.#paste.hidden = !mayPut || this.#options.read === null;
    if (!this.#current && this.#open) {
      this.#current = true;
      const text = new TextDecoder().decode(content?.get('text/plain'));
      if (!this.#edited) this.#text.value = text.slice(0, SHOWN);
      this.#more.hidden = this.#edited || text.length <= SHOWN;
      this.#showImage(content?.get('image/png'));
    }
    // Sent back, the beginning of a text would take the place of all of it.
    const mayWrite = mayPut && this.#more.hidden;
    this.#send.hidden = !mayWrite;
    this.#text.readOnly = !mayWrite;
  }

  /** @param {Uint8Array<ArrayBuffer> | undefined} png */
  #showImage(png) {
    URL.revokeObjectURL(this.#image.src);
    this.#image.hidden = !png;
    if (png) this.#image.src = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
    else this.#image.removeAttribute('src');
  }

  async #sendText() {
    const { value } = this.#text;
    if (value === '' || this.#text.readOnly) return;
    this.#edited = false;
    await this.#give(new Map([['text/plain', new TextEncoder().encode(value)]]));
  }

  async #copyHere() {
    const { content } = this.#shared;
    if (!content) return;
    const copied = await this.#options.copy(content);
    this.#options.tell(copied ? t('Copied to this device') : t('The browser does not allow copying; mark the text and copy it'));
  }

  async #pasteFromHere() {
    try {
      const content = await this.#options.read?.();
      if (content && content.size > 0) await this.#give(content);
      else this.#options.tell(t('Nothing was copied here that the desktop can take'));
    } catch {
      this.#options.tell(t('The browser does not let this page read what was copied; paste it into the box'));
    }
  }

  /** @param {Content} content */
  async #give(content) {
    if (await this.#options.put(content)) this.#options.tell(t('The clipboard of the desktop has it'));
  }
}
