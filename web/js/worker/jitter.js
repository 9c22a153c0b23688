/**
 * Holds sound back just long enough that it does not break off: the buffer grows when it ran empty, and shrinks while it
 * never comes near that. Pure; runs on the audio thread.
 */

const START = 0.03;
const MIN = 0.01;
const MAX = 0.25;
/** What it grows by when it ran empty, and shrinks by in each calm span. */
const GROWTH = 1.6;
const DECAY = 0.9;
/** Seconds over which the lowest level is looked for. */
const SPAN = 1;
/** More than this beside what is needed is left out at once: a tab that slept, a network that was gone. */
const FAR = 0.3;

export class JitterBuffer {
  #rate;
  /** @type {Float32Array[][]} pieces with their channels */
  #pieces = [];
  /** Samples of the first piece that are played. */
  #offset = 0;
  #length = 0;
  #target = START;
  #filling = true;
  /** Over the span. */
  #lowest = Infinity;
  #played = 0;

  /** @param {number} rate samples per second */
  constructor(rate) {
    this.#rate = rate;
  }

  /** @returns {number} seconds that wait */
  get level() {
    return this.#length / this.#rate;
  }

  /** @returns {number} seconds that it waits for before it begins */
  get target() {
    return this.#target;
  }

  /** @param {Float32Array[]} channels of the same length, at least one */
  push(channels) {
    if (!channels[0]?.length) return;
    this.#pieces.push(channels);
    this.#length += channels[0].length;
    if (this.level > this.#target + FAR) this.#skip(this.#length - Math.round(this.#target * this.#rate));
  }

  /**
   * Fills these; with silence where nothing is there.
   * @param {Float32Array[]} outputs
   */
  pull(outputs) {
    const wanted = outputs[0]?.length ?? 0;
    if (this.#filling && this.level < this.#target) return outputs.forEach((output) => output.fill(0));
    this.#filling = false;
    let done = 0;
    while (done < wanted && this.#pieces.length > 0) {
      const piece = this.#pieces[0];
      const count = Math.min(wanted - done, piece[0].length - this.#offset);
      outputs.forEach((output, channel) => {
        const from = piece[channel] ?? piece[0];
        output.set(from.subarray(this.#offset, this.#offset + count), done);
      });
      done += count;
      this.#skip(count);
    }
    if (done < wanted) {
      outputs.forEach((output) => output.fill(0, done));
      this.#filling = true;
      this.#target = Math.min(MAX, this.#target * GROWTH);
    }
    this.#lowest = Math.min(this.#lowest, this.level);
    this.#played += wanted;
    if (this.#played >= SPAN * this.#rate) this.#settle();
  }

  /** Once in a span: what was never needed goes. */
  #settle() {
    const spare = this.#lowest - this.#target / 2;
    if (!this.#filling && spare > 0) {
      this.#target = Math.max(MIN, this.#target * DECAY);
      // A few milliseconds at a time are not heard as a gap.
      this.#skip(Math.min(Math.round(spare * this.#rate), Math.round(0.005 * this.#rate)));
    }
    this.#lowest = Infinity;
    this.#played = 0;
  }

  /** @param {number} samples */
  #skip(samples) {
    let left = Math.min(samples, this.#length);
    this.#length -= left;
    while (left > 0) {
      const rest = this.#pieces[0][0].length - this.#offset;
      if (left < rest) {
        this.#offset += left;
        return;
      }
      left -= rest;
      this.#pieces.shift();
      this.#offset = 0;
    }
  }
}
