/**
 * Notices that nothing comes by a connection any more, long before the browser does: WebRTC takes many seconds. Where much
 * came, a moment without anything is suspicious, and the server is asked for a sign of life; where little came anyway, it
 * is asked later. Who has not answered after some round trips is taken for gone.
 */

import { isAlive } from '../core/protocol.js';
import { received, roundTrip } from '../core/stats.js';

/** How often it is looked whether anything comes. */
const LOOK_MS = 150;
/** What counts as much: looks with news in the last ten. */
const BUSY_LOOKS = 8;
/** Quiet for so long, it is asked: while much came, and else, when the server still says something each second. */
const ASK_MS = 300;
const ASK_IDLE_MS = 1200;
/** How long an answer may take: round trips, and at least this. */
const ROUND_TRIPS = 3;
const ANSWER_MS = 300;
const ANSWER_IDLE_MS = 600;

/**
 * @typedef {object} SilenceDependencies
 * @property {Pick<import('../core/session.js').Session, 'stats' | 'send'>} session
 * @property {(silent: boolean) => void} onChange
 * @property {() => boolean} isHidden nobody looks at a hidden tab, and its timers are slow
 * @property {(callback: () => void, milliseconds: number) => any} setTimeout
 * @property {(id: any) => void} clearTimeout
 * @property {() => number} now
 */

export class Silence {
  #deps;
  /** @type {any} */
  #timer = null;
  /** Which watch it is: what an earlier one had asked for does not count. */
  #watch = 0;
  #silent = false;
  /** There was a message since the last look. */
  #heard = false;
  #bytes = -1;
  /** When there was news. */
  #since = 0;
  /** A bit for each of the last looks, 1 where there was news; in silence, of those before it. */
  #recent = 0;
  /** @type {number | null} when it was asked, since there was news */
  #asked = null;

  /** @param {SilenceDependencies} deps */
  constructor(deps) {
    this.#deps = deps;
  }

  get isSilent() {
    return this.#silent;
  }

  /** From now on, of a connection that works. */
  start() {
    this.stop();
    this.#bytes = -1;
    this.#recent = 0;
    this.#news();
    this.#schedule(this.#watch);
  }

  stop() {
    this.#watch += 1;
    this.#silent = false;
    this.#deps.clearTimeout(this.#timer);
  }

  /** The server has said something. */
  heard() {
    this.#heard = true;
  }

  #news() {
    this.#heard = false;
    this.#asked = null;
    this.#since = this.#deps.now();
  }

  /** @param {number} watch */
  #schedule(watch) {
    this.#timer = this.#deps.setTimeout(() => void this.#look(watch), LOOK_MS);
  }

  /** @param {number} watch */
  async #look(watch) {
    const report = await this.#deps.session.stats().catch(() => null);
    if (watch !== this.#watch) return;
    const seen = report ? received(report).bytes : this.#bytes;
    const news = seen !== this.#bytes || this.#heard;
    this.#bytes = seen;
    const isBusy = bitCount(this.#recent) >= BUSY_LOOKS;
    if (news) this.#news();
    if (news || !isBusy) this.#recent = ((this.#recent << 1) | Number(news)) & 1023;
    this.#consider(isBusy, ((report && roundTrip(report)) ?? 0) * 1000);
    this.#schedule(watch);
  }

  /**
   * @param {boolean} isBusy
   * @param {number} rttMs
   */
  #consider(isBusy, rttMs) {
    const now = this.#deps.now();
    if (this.#asked === null) {
      if (now - this.#since >= (isBusy ? ASK_MS : ASK_IDLE_MS)) {
        this.#asked = now;
        this.#deps.session.send(isAlive());
      }
      this.#set(false);
    } else if (now - this.#asked >= Math.max(isBusy ? ANSWER_MS : ANSWER_IDLE_MS, ROUND_TRIPS * rttMs) && !this.#deps.isHidden()) {
      this.#set(true);
    }
  }

  /** @param {boolean} silent */
  #set(silent) {
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.#deps.onChange(silent);
  }
}

/** @param {number} bits */
function bitCount(bits) {
  let count = 0;
  for (let rest = bits; rest; rest >>= 1) count += rest & 1;
  return count;
}
