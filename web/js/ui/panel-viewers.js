/** Who is connected: for all how many, for who controls also who, to hand control over or to show somebody out. */

import { plural, t } from '../core/i18n.js';
import { h, setText } from './dom.js';
import { section } from './section.js';
import { takeButton } from './watching.js';

/**
 * @typedef {object} ViewersOptions
 * @property {(ask: boolean) => void} onTake ask: who controls has to agree
 * @property {(id: number) => void} onGive
 * @property {(id: number) => void} onKick
 * @property {(once: boolean) => void} onInvite
 * @property {() => void} onRevoke makes all links void
 * @property {() => void} onSignOut
 */

export class ViewersSection {
  #options;
  #role = h('span', { class: 'role', role: 'status' });
  #take;
  #links;
  #signOut;
  #list = h('ul', { class: 'viewers' });
  element;

  /** @param {ViewersOptions} options */
  constructor(options) {
    this.#options = options;
    this.#take = takeButton('key', options.onTake);
    this.#links = h(
      'div',
      { class: 'keys' },
      button(t('Copy a link to watch'), () => options.onInvite(false)),
      button(t('Copy a link for one'), () => options.onInvite(true)),
      button(t('Void all links'), options.onRevoke),
    );
    this.#signOut = button(t('Sign out'), options.onSignOut);
    this.#signOut.hidden = true;
    this.element = section(
      'viewers',
      t('Viewers'),
      h('div', { class: 'viewer' }, this.#role, this.#take.button),
      this.#list,
      this.#links,
      h('div', { class: 'keys' }, this.#signOut),
    );
    this.element.hidden = true;
  }

  /** @param {import('../core/viewers.js').ViewersMessage | null} viewers null while that is not known */
  update(viewers) {
    this.element.hidden = viewers === null;
    if (!viewers) return;
    const others = viewers.count - 1;
    const company = others === 0 ? t('Nobody else is here.') : plural(others, 'One other is here.', '{n} others are here.');
    setText(this.#role, `${viewers.control ? t('You control the desktop.') : t('You are watching.')} ${company}`);
    this.#take.update(viewers);
    this.#links.hidden = !viewers.mayControl;
    this.#list.replaceChildren(...viewers.list.filter(({ id }) => id !== viewers.you).map((entry) => this.#row(entry)));
  }

  /** @param {boolean} signedIn whether there is anything to sign out of */
  allowSignOut(signedIn) {
    this.#signOut.hidden = !signedIn;
  }

  /** @param {import('../core/viewers.js').ViewerEntry} entry */
  #row({ id, address, control, mayControl }) {
    const give = mayControl && !control ? button(t('Give control'), () => this.#options.onGive(id)) : null;
    const kick = button(t('End'), () => this.#options.onKick(id));
    kick.setAttribute('aria-label', t('End the session of {address}', { address }));
    return h('li', { class: 'viewer' }, h('span', {}, address), give, kick);
  }
}

/**
 * @param {string} label
 * @param {() => void} onclick
 */
function button(label, onclick) {
  return h('button', { class: 'key', type: 'button', onclick }, label);
}
