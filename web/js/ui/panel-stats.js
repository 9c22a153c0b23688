/** The numbers: three that matter in large, the rest in a list. */

import { h, setText, svg } from './dom.js';

const HISTORY = 60;
const ROUTES = { direct: 'Direct', nat: 'Direct, through NAT', relay: 'Relayed (TURN)' };

/**
 * What only the server knows.
 * @typedef {{encoder: string, latencyMs: number | null, gpu: import('../core/protocol.js').GpuMessage | null}} Server
 */

export class StatsSection {
  #fps = tile('fps');
  #latency = tile('ms round trip');
  #rate = tile('Mbit/s');
  #line = svg('polyline', { points: '', fill: 'none', 'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke' });
  /** @type {number[]} */
  #history = [];
  /** @type {Record<string, HTMLElement>} */
  #rows = {};
  #list = h('dl', { class: 'stats' });
  element = h(
    'section',
    { class: 'section' },
    h('h2', {}, 'Performance'),
    h('div', { class: 'tiles' }, this.#fps.element, this.#latency.element, this.#rate.element),
    h('div', { class: 'spark', 'aria-hidden': 'true' }, svg('svg', { viewBox: `0 0 ${HISTORY - 1} 20`, preserveAspectRatio: 'none' }, this.#line)),
    this.#list,
  );

  constructor() {
    for (const name of ['Resolution', 'Codec', 'Encoder', 'GPU', 'Decoder', 'Jitter buffer', 'Decode', 'Packets lost', 'Frames dropped', 'Connection', 'Server latency']) {
      this.#rows[name] = h('dd', {}, '–');
      this.#list.append(h('dt', {}, name), this.#rows[name]);
    }
  }

  /**
   * @param {import('../core/stats.js').Numbers} numbers
   * @param {Server} server what only the server knows
   */
  update(numbers, server) {
    const mbit = numbers.bitsPerSecond === null ? null : numbers.bitsPerSecond / 1e6;
    setText(this.#fps.value, whole(numbers.fps));
    setText(this.#latency.value, short(numbers.rttMs));
    setText(this.#rate.value, short(mbit));
    if (mbit !== null) this.#draw(mbit);
    this.#row('Resolution', numbers.width ? `${numbers.width} × ${numbers.height}` : '–');
    this.#row('Codec', [numbers.codec, numbers.audioCodec].filter(Boolean).join(' + ') || '–');
    this.#row('Encoder', server.encoder || '–');
    this.#row('GPU', server.gpu ? gpu(server.gpu) : '–');
    this.#row('Decoder', numbers.decoder ?? '–');
    this.#row('Jitter buffer', unit(numbers.jitterBufferMs, 'ms'));
    this.#row('Decode', unit(numbers.decodeMs, 'ms'));
    this.#row('Packets lost', String(numbers.packetsLost));
    this.#row('Frames dropped', String(numbers.framesDropped));
    this.#row('Connection', [numbers.route && ROUTES[numbers.route], numbers.transport].filter(Boolean).join(' · ') || '–');
    this.#row('Server latency', unit(server.latencyMs, 'ms'));
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #row(name, value) {
    setText(this.#rows[name], value);
  }

  /** @param {number} value */
  #draw(value) {
    this.#history.push(value);
    if (this.#history.length > HISTORY) this.#history.shift();
    const top = Math.max(...this.#history, 1);
    const start = HISTORY - this.#history.length;
    const points = this.#history.map((v, i) => `${start + i},${(19 - (v / top) * 17).toFixed(2)}`);
    this.#line.setAttribute('points', points.join(' '));
  }
}

/** @param {string} label */
function tile(label) {
  const value = h('strong', {}, '–');
  return { value, element: h('div', { class: 'tile' }, value, h('span', {}, label)) };
}

/** @param {import('../core/protocol.js').GpuMessage} message */
const gpu = ({ load, memoryUsed, memoryTotal }) =>
  [`${Math.round(load * 100)} %`, memoryTotal && `${memoryUsed} of ${memoryTotal} MiB`].filter(Boolean).join(' · ');
/** @param {number | null} value */
const whole = (value) => (value === null ? '–' : String(Math.round(value)));
/** @param {number | null} value */
const short = (value) => (value === null ? '–' : value >= 10 ? String(Math.round(value)) : value.toFixed(1));
/**
 * @param {number | null} value
 * @param {string} name
 */
const unit = (value, name) => (value === null ? '–' : `${short(value)} ${name}`);
