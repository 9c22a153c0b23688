/** Files to and from the desktop: what is on its way, and what there is to fetch. */

import { plural, t } from '../core/i18n.js';
import { Upload } from '../files/upload.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { section } from './section.js';

/**
 * @typedef {object} FilesOptions
 * @property {() => Promise<import('../files/requests.js').Listing | null | undefined>} list undefined while the server does not answer
 * @property {(name: string) => string} urlOf a file to download
 * @property {import('../files/upload.js').UploadDependencies} uploads
 * @property {(text: string) => void} tell
 */

const SHOWN = 20;

export class FilesSection {
  #options;
  #uploads = h('ul', { class: 'transfers' });
  #files = h('ul', { class: 'transfers' });
  #more = h('p', { class: 'hint', hidden: true });
  #input = h('input', { type: 'file', multiple: true, hidden: true });
  #choose = h('button', { class: 'key', type: 'button', onclick: () => this.#input.click() }, t('Send files'));
  #mayUpload = false;
  element = section('files', t('Files'), this.#uploads, this.#files, this.#more, h('div', { class: 'keys' }, this.#choose), this.#input);

  /** @param {FilesOptions} options */
  constructor(options) {
    this.#options = options;
    this.element.hidden = true;
    this.#input.addEventListener('change', () => {
      this.send([...(this.#input.files ?? [])]);
      this.#input.value = '';
    });
  }

  get mayUpload() {
    return this.#mayUpload;
  }

  /** Asks the server what is allowed and what is there. */
  async refresh() {
    const listing = await this.#options.list();
    if (listing === undefined) return;
    this.#mayUpload = listing?.upload === true;
    this.element.hidden = !listing || !(listing.upload || listing.download);
    this.#choose.hidden = !this.#mayUpload;
    const files = listing?.files ?? [];
    this.#files.replaceChildren(...files.slice(0, SHOWN).map((file) => this.#fileRow(file)));
    const more = files.length - SHOWN;
    this.#more.hidden = more <= 0;
    setText(this.#more, plural(Math.max(more, 1), 'One more file is there.', '{n} more files are there.'));
  }

  /** @param {File[]} files */
  send(files) {
    for (const file of files) void this.#send(new Upload(file, this.#options.uploads));
  }

  /** @param {Upload} upload */
  async #send(upload) {
    const bar = h('progress', { max: 1, value: 0, 'aria-label': upload.name });
    const state = h('span', { class: 'transfer-state' });
    const cancel = h('button', { class: 'icon-button', type: 'button', 'aria-label': t('Cancel {name}', { name: upload.name }), onclick: () => upload.cancel() }, icon('close'));
    const row = h('li', { class: 'transfer' }, h('span', { class: 'transfer-name' }, upload.name), state, cancel, bar);
    const show = () => {
      bar.value = upload.size > 0 ? upload.sent / upload.size : 1;
      setText(state, upload.state === 'waiting' ? t('Waiting') : `${Math.floor(bar.value * 100)} %`);
    };
    upload.addEventListener('change', show);
    show();
    this.#uploads.append(row);
    await upload.run();
    const ended = { done: t('{name} is on the desktop', { name: upload.name }), failed: t('{name} was not sent: {reason}', { name: upload.name, reason: upload.text }) };
    if (upload.state === 'done' || upload.state === 'failed') this.#options.tell(ended[upload.state]);
    row.remove();
    await this.refresh();
  }

  /** @param {{name: string, size: number}} file */
  #fileRow({ name, size }) {
    return h('li', { class: 'transfer' }, h('a', { class: 'transfer-name', href: this.#options.urlOf(name), download: name }, name), h('span', { class: 'transfer-state' }, sizeText(size)));
  }
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
