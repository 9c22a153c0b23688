/** The numbers: what changes as graphs, the way of a frame as a waterfall, the rest in a list. */

import { msg, t } from '../core/i18n.js';
import { h, setText } from './dom.js';
import { Graph } from './graph.js';
import { section } from './section.js';
import { Waterfall } from './waterfall.js';

/** @type {Readonly<Record<string, string>>} */
const ROUTES = { direct: msg('Direct'), nat: msg('Direct, through NAT'), relay: msg('Relayed (TURN)') };

/**
 * What only the server knows.
 * @typedef {Pick<import('../app/server.js').Server, 'encoder' | 'latencyMs' | 'gpu' | 'machine'> & {transport: import('../transport/transports.js').Transports['transport']}} Server
 */

/** Why the picture takes the way it takes. @type {Readonly<Partial<Record<import('../transport/transports.js').Reason, string>>>} */
const REASONS = {
  chosen: msg('as chosen'),
  only: msg('the server offers no other'),
  https: msg('WebSocket needs https'),
  webcodecs: msg('this browser lacks WebCodecs'),
  trying: msg('WebRTC is being tried'),
  failed: msg('WebRTC finds no way'),
  lost: msg('WebRTC was lost'),
};

/** What nobody can tell is not shown. */
const UNKNOWN = '–';

/** Rows of the list, in order. @type {readonly string[]} */
const ROWS = [
  msg('Connection'), msg('Resolution'), msg('Codec'), msg('Encoder'), msg('Decoder'), msg('CPU'), msg('Memory'), msg('GPU'),
  msg('Jitter buffer'), msg('Packets lost'), msg('Frames dropped'), msg('Server latency'),
];

export class StatsSection {
  #graphs = {
    fps: new Graph(t('Frames per second'), 30),
    rate: new Graph('Mbit/s', 1),
    rtt: new Graph(t('Round trip, ms'), 20),
    loss: new Graph(t('Loss, %'), 2),
    decode: new Graph(t('Decode, ms'), 8),
  };
  #waterfall = new Waterfall();
  /** @type {Record<string, HTMLElement>} */
  #rows = {};
  element;

  /** @param {() => void} onSaveLog */
  constructor(onSaveLog) {
    const list = h('dl', { class: 'stats' });
    for (const name of ROWS) {
      this.#rows[name] = h('dd', {}, UNKNOWN);
      list.append(h('div', { hidden: true }, h('dt', {}, t(name)), this.#rows[name]));
    }
    this.element = section(
      'performance',
      t('Performance'),
      h('div', { class: 'graphs' }, ...Object.values(this.#graphs).map(({ element }) => element)),
      this.#waterfall.element,
      list,
      h('div', { class: 'keys' }, h('button', { class: 'key', type: 'button', onclick: onSaveLog }, t('Save the log for a report'))),
    );
  }

  /**
   * @param {import('../core/stats.js').Numbers} numbers
   * @param {Server} server what only the server knows
   * @param {import('../core/latency.js').Stages | null} stages
   */
  update(numbers, server, stages) {
    const mbit = numbers.bitsPerSecond === null ? null : numbers.bitsPerSecond / 1e6;
    this.#graphs.fps.add(numbers.fps, whole(numbers.fps));
    this.#graphs.rate.add(mbit, short(mbit));
    this.#graphs.rtt.add(numbers.rttMs, short(numbers.rttMs));
    this.#graphs.loss.add(numbers.lossPercent, short(numbers.lossPercent));
    this.#graphs.decode.add(numbers.decodeMs, short(numbers.decodeMs));
    this.#waterfall.update(stages);
    this.#row('Connection', connection(numbers, server) || UNKNOWN);
    this.#row('Resolution', numbers.width ? `${numbers.width} × ${numbers.height}` : UNKNOWN);
    this.#row('Codec', [numbers.codec, numbers.audioCodec].filter(Boolean).join(' + ') || UNKNOWN);
    this.#row('Encoder', server.encoder || UNKNOWN);
    this.#row('Decoder', numbers.decoder ?? UNKNOWN);
    this.#row('CPU', server.machine ? percent(server.machine.load) : UNKNOWN);
    this.#row('Memory', server.machine ? memory(server.machine) : UNKNOWN);
    this.#row('GPU', server.gpu ? gpu(server.gpu) : UNKNOWN);
    this.#row('Jitter buffer', unit(numbers.jitterBufferMs, 'ms'));
    this.#row('Packets lost', String(numbers.packetsLost));
    this.#row('Frames dropped', String(numbers.framesDropped));
    this.#row('Server latency', unit(server.latencyMs, 'ms'));
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #row(name, value) {
    setText(this.#rows[name], value);
    const row = this.#rows[name].parentElement;
    if (row) row.hidden = value === UNKNOWN;
  }
}

/**
 * @param {import('../core/stats.js').Numbers} numbers
 * @param {Server} server
 */
function connection({ route, transport }, server) {
  const reason = server.transport && REASONS[server.transport.reason];
  const parts = server.transport?.kind === 'websocket' ? ['WebSocket'] : [route && t(ROUTES[route]), transport];
  return [...parts, reason && t(reason)].filter(Boolean).join(' · ');
}

const GIB = 1024 ** 3;
/** @param {number} part */
const percent = (part) => `${Math.round(part * 100)} %`;
/** @param {import('../core/protocol.js').MachineMessage} message */
const memory = ({ memoryUsed, memoryTotal }) => `${(memoryUsed / GIB).toFixed(1)} / ${(memoryTotal / GIB).toFixed(1)} GiB`;
/** @param {import('../core/protocol.js').GpuMessage} message */
const gpu = ({ load, memoryUsed, memoryTotal }) =>
  [percent(load), memoryTotal && `${memoryUsed} / ${memoryTotal} MiB`].filter(Boolean).join(' · ');
/** @param {number | null} value */
const whole = (value) => (value === null ? UNKNOWN : String(Math.round(value)));
/** @param {number | null} value */
const short = (value) => (value === null ? UNKNOWN : value >= 10 ? String(Math.round(value)) : value.toFixed(1));
/**
 * @param {number | null} value
 * @param {string} name
 */
const unit = (value, name) => (value === null ? UNKNOWN : `${short(value)} ${name}`);
