import { readFileSync, readdirSync } from 'node:fs';

// Node 18, which is Debian 12's, has none; every browser has.
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, options) {
    super(type, options);
    this.detail = options?.detail ?? null;
  }
};

/** Time that passes when a test says so. */
export class FakeClock {
  time = 0;
  #next = 1;
  /** @type {Map<number, {at: number, run: () => void}>} */
  #timers = new Map();

  setTimeout = (run, ms) => {
    const id = this.#next++;
    this.#timers.set(id, { at: this.time + ms, run });
    return id;
  };

  clearTimeout = (id) => this.#timers.delete(id);

  now = () => this.time;

  get pending() {
    return this.#timers.size;
  }

  /** @param {number} ms */
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = due[1].at;
      due[1].run();
    }
    this.time = end;
  }
}

/** Lets every promise that can resolve do so. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** @returns {[string, string][]} path below web/ and source of every module of the page */
export function modules() {
  const root = new URL('../', import.meta.url);
  const walk = (folder) =>
    readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) => {
      const path = folder + entry.name;
      return entry.isDirectory() ? walk(`${path}/`) : [[path, readFileSync(new URL(path, root), 'utf8')]];
    });
  return walk('js/');
}
