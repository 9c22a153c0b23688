/**
 * The wire: data-channel and signalling messages, encoded and decoded. Pure functions of values.
 *
 * Client to server is comma-separated text, server to client JSON `{"type","data"}`. Everything that
 * comes from the server is checked here, so that the rest of the client deals in known shapes only.
 */

import { MIMES } from './content.js';
import { decodeRumble } from './gamepads.js';
import { decodeEncoders, decodeViewers } from './viewers.js';

/** Mouse mask bits. Browser back and forward share bits 3 and 4 with the wheel, at magnitude 0. */
export const Wheel = Object.freeze({ down: 1 << 3, up: 1 << 4, left: 1 << 6, right: 1 << 7 });

const MAX_TICKS = 10;
/** Data channels carry 16 KiB everywhere; a UTF-16 unit is three bytes of UTF-8 at most. */
const TEXT_CHUNK = 4000;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * @param {number} x
 * @param {number} y
 * @param {number} mask
 * @param {number} [scroll]
 */
export function mouseAbsolute(x, y, mask, scroll = 0) {
  return `m,${Math.round(x)},${Math.round(y)},${mask},${scroll}`;
}

/**
 * @param {number} dx
 * @param {number} dy
 * @param {number} mask
 * @param {number} [scroll]
 */
export function mouseRelative(dx, dy, mask, scroll = 0) {
  return `m2,${decimal(dx)},${decimal(dy)},${mask},${scroll}`;
}

/**
 * The (bit, magnitude) pairs that make up a turn of the wheel; each is sent as a press with the bit
 * and a release without it.
 * @param {{x: number, y: number}} ticks positive is right and down
 * @returns {{bit: number, magnitude: number}[]}
 */
export function wheelSteps(ticks) {
  const steps = [];
  for (const [count, bit] of [
    [ticks.y, ticks.y > 0 ? Wheel.down : Wheel.up],
    [ticks.x, ticks.x > 0 ? Wheel.right : Wheel.left],
  ]) {
    for (let left = Math.abs(count); left > 0; left -= MAX_TICKS) {
      steps.push({ bit, magnitude: Math.min(left, MAX_TICKS) });
    }
  }
  return steps;
}

/**
 * Parts of a tick, for a desktop that has said `smooth_wheel`.
 * @param {number} dx ticks, to the right
 * @param {number} dy ticks, down
 * @returns {string[]} several where it is more than one message may turn
 */
export function wheelTurns(dx, dy) {
  const messages = [];
  const parts = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)) / MAX_TICKS);
  for (let part = 0; part < parts; part++) messages.push(`ws,${fine(dx / parts)},${fine(dy / parts)}`);
  return messages;
}

/** Bits of a pen's state, for a desktop that has said `pen`. */
export const PenButton = Object.freeze({ contact: 1, barrel: 2, eraser: 4, near: 8 });

/**
 * @param {number} x pixels of the video
 * @param {number} y
 * @param {number} pressure from 0 to 1
 * @param {number} tiltX degrees, to the right
 * @param {number} tiltY degrees, towards the user
 * @param {number} buttons of PenButton; 0: it is gone
 */
export const pen = (x, y, pressure, tiltX, tiltY, buttons) =>
  `pen,${Math.round(x)},${Math.round(y)},${fine(pressure)},${Math.round(tiltX)},${Math.round(tiltY)},${buttons}`;

/**
 * A finger comes down, for a desktop that has said `touch`.
 * @param {number} id below 10
 * @param {number} x pixels of the video
 * @param {number} y
 * @param {number} pressure from 0 to 1
 */
export const touchDown = (id, x, y, pressure) => `td,${id},${Math.round(x)},${Math.round(y)},${fine(pressure)}`;
/** @type {typeof touchDown} */
export const touchMotion = (id, x, y, pressure) => `tm,${id},${Math.round(x)},${Math.round(y)},${fine(pressure)}`;
/** @param {number} id */
export const touchUp = (id) => `tu,${id}`;
/** All fingers go up. */
export const touchCancel = () => 'tc';

/** @param {number} keysym */
export const keyDown = (keysym) => `kd,${keysym}`;
/** @param {number} keysym */
export const keyUp = (keysym) => `ku,${keysym}`;
/**
 * @param {boolean} caps
 * @param {boolean} num
 */
export const lockStates = (caps, num) => `kl,${caps ? 1 : 0},${num ? 1 : 0}`;
/** Releases every key and modifier on the server. */
export const keyReset = () => 'kr';
/** @param {Iterable<number>} keysyms the keys that are down now: the server lets go of all others */
export const keysHeld = (keysyms) => `kh,${[...keysyms].join(',')}`;

/**
 * Text to be typed as one piece; long text in several messages, never cut within a character.
 * @param {string} text
 * @returns {string[]}
 */
export function commitText(text) {
  const normal = text.replace(/\r\n?/g, '\n');
  const messages = [];
  for (let start = 0; start < normal.length; ) {
    let end = Math.min(start + TEXT_CHUNK, normal.length);
    if (end < normal.length && isHighSurrogate(normal.charCodeAt(end - 1))) end -= 1;
    messages.push(`co,end,${normal.slice(start, end)}`);
    start = end;
  }
  return messages;
}

/** @param {number} startTime the server's own stamp, sent back untouched */
export const pong = (startTime) => `pong,${startTime}`;

/**
 * @param {number} width
 * @param {number} height
 */
export const resize = (width, height) => `r,${width}x${height}`;
/**
 * What the browser measures, as Selkies' server writes it to its files: picture and sound apart, though one connection
 * carries both here.
 * @param {Iterable<[string, any]>} report
 * @returns {string[]}
 */
export function statistics(report) {
  const all = [...report].map(([, stat]) => stat);
  const of = (/** @type {(stat: any) => boolean} */ wanted) => JSON.stringify(all.filter(wanted));
  const isSound = (/** @type {any} */ stat) => stat.kind === 'audio';
  const messages = [`_stats_video,${of((stat) => !isSound(stat))}`];
  if (all.some(isSound)) messages.push(`_stats_audio,${of(isSound)}`);
  return messages;
}
/** Draws the pointer into the picture, for when there is no local cursor to show (touch, pointer
 * lock). @param {boolean} on */
export const pointerInPicture = (on) => `p,${on ? 1 : 0}`;
/** @param {number} ratio devicePixelRatio */
export const scale = (ratio) => `s,${ratio}`;

/**
 * @typedef {{type: 'cursor', image: string | null, hotspot: {x: number, y: number}, handle: string}} CursorMessage
 *   image: base64 of a PNG; null hides the cursor; '' is the browser's own arrow
 * @typedef {{type: 'system', name: string, value: string}} SystemMessage
 * @typedef {{type: 'ping', startTime: number}} PingMessage
 * @typedef {{type: 'latency', milliseconds: number}} LatencyMessage
 * @typedef {{type: 'video-clock', rtp: number, time: number}} VideoClockMessage
 *   the picture with this RTP timestamp was captured at this time, in milliseconds since 1970 by the server's clock
 * @typedef {{type: 'clipboard-taken', id: number | null}} TakenMessage
 *   the desktop pastes what came with that transfer; null: what came from another browser
 * @typedef {import('./content.js').ContentMessage} ContentMessage
 * @typedef {{type: 'gpu', load: number, memoryUsed: number, memoryTotal: number}} GpuMessage
 *   load: from 0 to 1; memory: in MiB, 0 where the GPU has none of its own
 * @typedef {{type: 'machine', load: number, memoryUsed: number, memoryTotal: number}} MachineMessage
 *   load: of all processors together, from 0 to 1; memory: in bytes
 * @typedef {{type: 'status', text: string}} StatusMessage a line for the user
 * @typedef {import('./viewers.js').ViewersMessage | import('./viewers.js').EncodersMessage | import('./gamepads.js').RumbleMessage | CursorMessage | SystemMessage | PingMessage | LatencyMessage | VideoClockMessage | GpuMessage | MachineMessage | StatusMessage | TakenMessage | ContentMessage} ServerMessage
 */

/**
 * @param {unknown} text
 * @returns {ServerMessage | null} null for anything unknown or malformed; it never throws
 */
export function decodeMessage(text) {
  const message = parseObject(text);
  const data = message && object(message.data);
  if (!message || !data) return null;
  switch (message.type) {
    case 'cursor':
      return decodeCursor(data);
    case 'system': {
      if (typeof data.action !== 'string') return null;
      const [name, ...rest] = data.action.split(',');
      return { type: 'system', name, value: rest.join(',') };
    }
    case 'viewers':
      return decodeViewers(data);
    case 'encoders':
      return decodeEncoders(data);
    case 'gamepad_rumble':
      return decodeRumble(data);
    case 'pipeline':
      return typeof data.status === 'string' ? { type: 'status', text: data.status.slice(0, 200) } : null;
    case 'ping': {
      const startTime = Number(data.start_time);
      return Number.isFinite(startTime) ? { type: 'ping', startTime } : null;
    }
    case 'latency_measurement': {
      const milliseconds = Number(data.latency_ms);
      return Number.isFinite(milliseconds) ? { type: 'latency', milliseconds } : null;
    }
    case 'video_clock': {
      const { rtp, time } = data;
      const fits = Number.isInteger(rtp) && typeof time === 'number' && Number.isFinite(time);
      return fits ? { type: 'video-clock', rtp: Number(rtp), time } : null;
    }
    case 'clipboard':
      return isBase64(data.content) ? { type: 'clipboard', base64: data.content } : null;
    case 'clipboard-msg-start': {
      const size = Number(data.total_size);
      if (!Number.isSafeInteger(size) || size < 0) return null;
      const mime = MIMES.find((known) => known === data.mime_type) ?? null;
      return { type: 'clipboard-start', mime, size, more: data.more === true };
    }
    case 'clipboard-msg-data':
      return isBase64(data.content) ? { type: 'clipboard-data', base64: data.content } : null;
    case 'clipboard-msg-end':
      return { type: 'clipboard-end' };
    case 'clipboard-taken':
      return { type: 'clipboard-taken', id: typeof data.id === 'number' ? data.id : null };
    case 'gpu_stats': {
      const [load, memoryUsed, memoryTotal] = [data.load, data.memory_used, data.memory_total].map(Number);
      return [load, memoryUsed, memoryTotal].every(Number.isFinite) ? { type: 'gpu', load, memoryUsed, memoryTotal } : null;
    }
    case 'system_stats': {
      const [load, memoryUsed, memoryTotal] = [data.cpu_percent, data.mem_used, data.mem_total].map(Number);
      return [load, memoryUsed, memoryTotal].every(Number.isFinite) ? { type: 'machine', load: load / 100, memoryUsed, memoryTotal } : null;
    }
    default:
      return null;
  }
}

/**
 * @typedef {{kind: 'hello'} | {kind: 'error', text: string}
 *   | {kind: 'offer', sdp: string}
 *   | {kind: 'candidate', candidate: RTCIceCandidateInit}} Signal
 */

/**
 * @param {unknown} text
 * @returns {Signal | null}
 */
export function decodeSignal(text) {
  if (typeof text !== 'string') return null;
  if (text === 'HELLO' || text.startsWith('HELLO ')) return { kind: 'hello' };
  if (text === 'ERROR' || text.startsWith('ERROR ')) return { kind: 'error', text: text.slice(6) };
  const message = parseObject(text);
  if (!message) return null;
  const sdp = object(message.sdp);
  if (sdp) return sdp.type === 'offer' && typeof sdp.sdp === 'string' ? { kind: 'offer', sdp: sdp.sdp } : null;
  const ice = object(message.ice);
  if (!ice || typeof ice.candidate !== 'string') return null;
  /** @type {RTCIceCandidateInit} */
  const candidate = { candidate: ice.candidate };
  if (Number.isInteger(ice.sdpMLineIndex)) candidate.sdpMLineIndex = /** @type {number} */ (ice.sdpMLineIndex);
  if (typeof ice.sdpMid === 'string') candidate.sdpMid = ice.sdpMid;
  // The constructor insists on one of the two; the streams are bundled, so the first line will do.
  if (candidate.sdpMid === undefined && candidate.sdpMLineIndex === undefined) candidate.sdpMLineIndex = 0;
  return { kind: 'candidate', candidate };
}

/** Of the connections of this page, this is the one that it shows and acts through from now on. */
export const useConnection = () => '_transport,use';

/** Asks the server for a sign of life: it answers at once. */
export const isAlive = () => '_alive';

/** @param {string} sdp */
export const answer = (sdp) => JSON.stringify({ sdp: { type: 'answer', sdp } });
/** @param {RTCIceCandidateInit} candidate */
export const ice = (candidate) => JSON.stringify({ ice: candidate });

/**
 * @param {string} offer
 * @returns {string | null} the `mid` of the section in which the desktop listens and says nothing: that of the microphone
 */
export function listeningSection(offer) {
  const sections = offer.split(/^(?=m=)/m).filter((section) => section.startsWith('m=audio'));
  const listening = sections.find((section) => /^a=recvonly\s*$/m.test(section));
  return /^a=mid:(\S+)/m.exec(listening ?? '')?.[1] ?? null;
}

/**
 * Opus is mono to a browser unless the answer says otherwise.
 * @param {string} sdp
 * @returns {string}
 */
export function withStereo(sdp) {
  return sdp.replace(/^a=fmtp:.*\buseinbandfec=.*$/gm, (line) =>
    /[ ;]stereo=/.test(line) ? line : line.replace(/\r?$/, (end) => `;stereo=1${end}`),
  );
}

/**
 * Chromium decodes Opus with more than two channels where its own answer says so, and never says so by itself.
 * @param {string} answered
 * @param {string} offer what it answers
 * @returns {string} the answer, which takes the sound of the offer where it is `multiopus` and was turned down
 */
export function withSurround(answered, offer) {
  const offered = offer.split(/^(?=m=)/m).find((section) => /^a=rtpmap:\d+ multiopus\//im.test(section));
  const [, type] = /^a=rtpmap:(\d+) multiopus\//im.exec(offered ?? '') ?? [];
  const [, mid] = /^a=mid:(\S+)/m.exec(offered ?? '') ?? [];
  if (!offered || !type || !mid) return answered;
  const [session = '', ...sections] = answered.split(/^(?=m=)/m);
  const index = sections.findIndex((section) => section.startsWith('m=audio 0 ') && section.split(/\r?\n/).includes(`a=mid:${mid}`));
  if (index < 0) return answered;
  const format = offered.split(/\r?\n/).filter((line) => line.startsWith(`a=rtpmap:${type} `) || line.startsWith(`a=fmtp:${type} `));
  // All of them share the transport of the first one.
  const transport = (sections[0] ?? '').split(/\r?\n/).filter((line) => /^a=(ice-|fingerprint:|setup:)/.test(line));
  const kept = (sections[index] ?? '').split(/\r?\n/).filter((line) => line && !/^(m=|a=(rtpmap|fmtp|rtcp-fb|ice-|fingerprint|setup))/.test(line));
  sections[index] = [`m=audio 9 UDP/TLS/RTP/SAVPF ${type}`, ...kept, ...transport, ...format, ''].join('\r\n');
  const group = /^a=group:BUNDLE.*$/m;
  return session.replace(group, group.exec(offer)?.[0].trimEnd() ?? '') + sections.join('');
}

/**
 * @param {Record<string, unknown>} data
 * @returns {CursorMessage | null}
 */
function decodeCursor(data) {
  const handle = String(data.handle ?? '');
  const spot = object(data.hotspot);
  const hotspot = { x: pixel(spot?.x), y: pixel(spot?.y) };
  if (data.override === 'none') return { type: 'cursor', image: null, hotspot, handle };
  const image = data.curdata;
  if (image === undefined || image === null || image === '') return { type: 'cursor', image: '', hotspot, handle };
  // It ends up inside a CSS value, hence the strict check.
  if (typeof image !== 'string' || !BASE64.test(image)) return null;
  return { type: 'cursor', image, hotspot, handle };
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isBase64(value) {
  return typeof value === 'string' && (value === '' || (BASE64.test(value) && value.length % 4 === 0));
}

/** @param {unknown} value */
function pixel(value) {
  const n = Math.trunc(Number(value));
  return Number.isFinite(n) && n > 0 ? n : 0;
}

/** @param {number} value */
function decimal(value) {
  return String(Math.round(value * 100) / 100 + 0);
}

/** @param {number} value */
function fine(value) {
  return String(Math.round(value * 10000) / 10000 + 0);
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** @param {unknown} text */
function parseObject(text) {
  if (typeof text !== 'string') return null;
  try {
    return object(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown> | null}
 */
function object(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : null;
}
