/** What happened, for who looks for the reason: the last few hundred lines, kept in memory until somebody saves them. */

const LINES = 500;

export class Log {
  /** @type {string[]} */
  #lines = [];
  #now;

  /** @param {() => Date} [now] */
  constructor(now = () => new Date()) {
    this.#now = now;
  }

  /**
   * @param {string} subject
   * @param {unknown} [detail] no secrets: this is sent to others
   */
  add(subject, detail) {
    const text = detail === undefined ? '' : ` ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`;
    this.#lines.push(`${this.#now().toISOString()} ${subject}${text}`.slice(0, 2000));
    if (this.#lines.length > LINES) this.#lines.shift();
  }

  /** @param {Record<string, unknown>} facts what is true of this browser now */
  text(facts) {
    const head = Object.entries(facts).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return [...head, '', ...this.#lines, ''].join('\n');
  }
}
