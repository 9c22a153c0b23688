/** Plays what the worker decodes, on the audio thread. */

import { JitterBuffer } from './jitter.js';

/** @typedef {{port: MessagePort}} Processor */
// The scope of an AudioWorklet, which TypeScript's DOM library does not know.
const scope = /** @type {any} */ (globalThis);

class Player extends scope.AudioWorkletProcessor {
  #buffer = new JitterBuffer(scope.sampleRate);

  constructor() {
    super();
    /** @type {Processor} */ (/** @type {unknown} */ (this)).port.onmessage = ({ data }) => {
      /** @type {MessagePort} */ (data).onmessage = (event) => this.#buffer.push(event.data);
    };
  }

  /**
   * @param {Float32Array[][]} _
   * @param {Float32Array[][]} outputs
   */
  process(_, outputs) {
    this.#buffer.pull(outputs[0]);
    return true;
  }
}

scope.registerProcessor('player', Player);
