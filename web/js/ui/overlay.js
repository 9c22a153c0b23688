/** What covers the desktop while it is not live: progress, failures, the countdown to the next try. */

import { t } from '../core/i18n.js';
import { h, setText } from './dom.js';
import { icon, mark } from './icons.js';
import { STEPS, explain } from './messages.js';

/** Who is there sooner sees no card that comes and goes, and the browser has no clouds to paint while it is busy. */
const EARLY_MS = 400;

/**
 * @typedef {object} OverlayOptions
 * @property {HTMLElement} root
 * @property {() => void} onRetry
 * @property {() => number} now the clock of Snapshot.retryAt
 */

export class Overlay {
  #options;
  #title = h('h1', { class: 'overlay-title' });
  #text = h('p', { class: 'overlay-text' });
  #emblem = h('div', { class: 'emblem' }, mark(), h('span', { class: 'orbit' }));
  #badge = h('div', { class: 'badge' });
  #steps = h('ol', { class: 'steps' });
  #button = h('button', { class: 'button primary', type: 'button' });
  #countdown = h('span', { class: 'countdown', 'aria-live': 'off' });
  #actions = h('div', { class: 'overlay-actions' }, this.#button, this.#countdown);
  #reload = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticker;

  /** @param {OverlayOptions} options */
  constructor(options) {
    this.#options = options;
    for (const { text } of STEPS) {
      this.#steps.append(h('li', { class: 'step' }, h('span', { class: 'step-dot' }, icon('check')), t(text)));
    }
    this.#button.addEventListener('click', () => {
      if (this.#reload) location.reload();
      else options.onRetry();
    });
    options.root.classList.add('early');
    setTimeout(() => options.root.classList.remove('early'), EARLY_MS);
    options.root.append(
      h('div', { class: 'aurora', 'aria-hidden': 'true' }),
      h(
        'section',
        { class: 'card', role: 'status', 'aria-live': 'polite' },
        h('div', { class: 'card-head' }, this.#emblem, this.#badge),
        h('p', { class: 'wordmark' }, 'egldesktop'),
        this.#title,
        this.#text,
        this.#steps,
        this.#actions,
      ),
    );
  }

  /**
   * @param {import('../core/session.js').Snapshot} snapshot
   * @param {boolean} overPicture whether there is a last picture to shine through
   */
  update(snapshot, overPicture) {
    const { root } = this.#options;
    const { state, stage, failure, retryAt } = snapshot;
    clearInterval(this.#ticker);
    root.classList.toggle('gone', state === 'live');
    root.inert = state === 'live';
    if (state === 'live') return;

    root.classList.toggle('over-picture', overPicture);
    const waiting = stage === 'waiting' && failure !== null;
    // Coming back by itself is nothing to worry about; after a few misses it is worth explaining.
    const calm = state === 'reconnecting' && snapshot.attempt <= 2;
    root.classList.toggle('failing', waiting && !calm);
    if (waiting || state === 'reconnecting') root.classList.remove('early');
    this.#steps.hidden = waiting || state === 'reconnecting';
    this.#actions.hidden = !waiting;

    if (waiting) this.#showFailure(failure, retryAt, calm);
    else this.#showProgress(state, stage);
  }

  /**
   * @param {import('../core/session.js').Failure} failure
   * @param {number | null} retryAt
   * @param {boolean} calm
   */
  #showFailure(failure, retryAt, calm) {
    const told = explain(failure);
    setText(this.#title, calm ? t('Reconnecting…') : told.title);
    setText(this.#text, calm && !failure.text ? `${told.title}.` : told.text);
    setText(this.#button, told.action);
    this.#reload = told.does === 'reload';
    this.#badge.replaceChildren(icon(told.icon));
    const tick = () => {
      const left = retryAt === null ? 0 : Math.max(0, retryAt - this.#options.now());
      setText(this.#countdown, retryAt === null ? '' : left >= 1000 ? t('Next try in {seconds} s', { seconds: Math.round(left / 1000) }) : t('Trying again…'));
    };
    tick();
    if (retryAt !== null) this.#ticker = setInterval(tick, 250);
  }

  /**
   * @param {import('../core/session.js').State} state
   * @param {import('../core/session.js').Stage} stage
   */
  #showProgress(state, stage) {
    const at = STEPS.findIndex((step) => step.stage === stage);
    const again = state === 'reconnecting';
    setText(this.#title, again ? t('Reconnecting…') : t('Connecting to your desktop'));
    setText(this.#text, again && at >= 0 ? `${t(STEPS[at].text)}…` : '');
    [...this.#steps.children].forEach((item, index) => {
      item.classList.toggle('done', index < at);
      item.classList.toggle('now', index === at);
      if (index === at) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    });
  }
}
