/** Who is connected, who controls, and what the encoders are set to: messages about the session itself. */

import { msg } from './i18n.js';

/**
 * @typedef {{id: number, address: string, control: boolean, mayControl: boolean, asks: boolean}} ViewerEntry
 *   asks: it would like to have control, and waits for an answer
 * @typedef {object} ViewersMessage
 * @property {'viewers'} type
 * @property {number} you
 * @property {boolean} control whether this page controls the desktop
 * @property {boolean} mayControl whether it may have control
 * @property {boolean} mustAsk whether who controls has to agree to that
 * @property {boolean} asks whether it has asked, and waits for the answer
 * @property {number} count
 * @property {ViewerEntry[]} list filled for who controls
 */

/**
 * @param {Record<string, unknown>} data
 * @returns {ViewersMessage | null}
 */
export function decodeViewers(data) {
  const { you, count, list } = data;
  if (!isCount(you) || !isCount(count) || !Array.isArray(list)) return null;
  const [control, mayControl, mustAsk, asks] = [data.control, data.may_control, data.must_ask, data.asks].map(isTrue);
  return { type: 'viewers', you, control, mayControl, mustAsk, asks, count, list: list.flatMap(decodeEntry) };
}

/**
 * @param {any} entry
 * @returns {ViewerEntry[]}
 */
function decodeEntry(entry) {
  if (!isCount(entry?.id) || typeof entry.address !== 'string') return [];
  const [control, mayControl, asks] = [entry.control, entry.may_control, entry.asks].map(isTrue);
  return [{ id: entry.id, address: entry.address, control, mayControl, asks }];
}

const isTrue = (/** @type {unknown} */ value) => value === true;

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isCount(value) {
  return Number.isSafeInteger(value);
}

export const takeControl = () => '_control,take';
/** Who controls decides. */
export const askForControl = () => '_control,ask';
/** No, to who has asked. @param {number} id */
export const refuseControl = (id) => `_control,refuse,${id}`;
/** @param {number} id */
export const giveControl = (id) => `_control,give,${id}`;
/** @param {number} id */
export const endSession = (id) => `_control,kick,${id}`;

/**
 * @typedef {{name: string, codec: string}} EncoderEntry `codec`: MIME type of what it makes
 * @typedef {object} EncodersMessage
 * @property {'encoders'} type
 * @property {string} current
 * @property {EncoderEntry[]} list
 */

/**
 * @param {Record<string, unknown>} data
 * @returns {EncodersMessage | null}
 */
export function decodeEncoders({ current, list }) {
  if (typeof current !== 'string' || !Array.isArray(list)) return null;
  const isEntry = (/** @type {any} */ entry) => typeof entry?.name === 'string' && typeof entry.codec === 'string';
  return { type: 'encoders', current, list: list.filter(isEntry).map(({ name, codec }) => ({ name, codec })) };
}

/** @param {string} name */
export const chooseEncoder = (name) => `_encoder,${name}`;

/**
 * What can be changed while the desktop runs: the name under which the server tells the value, the verb that changes
 * it, and the values to choose from.
 */
export const SETTINGS = Object.freeze([
  { name: 'video_bitrate', verb: 'vb', label: msg('Video bitrate'), values: [500, 1000, 2000, 4000, 6000, 8000, 12000, 16000, 25000, 40000, 60000, 100000], text: (/** @type {number} */ kbit) => `${kbit / 1000} Mbit/s` },
  { name: 'framerate', verb: '_arg_fps', label: msg('Frame rate'), values: [10, 15, 24, 30, 60, 90, 120, 144], text: (/** @type {number} */ fps) => `${fps} fps` },
  { name: 'audio_bitrate', verb: 'ab', label: msg('Sound bitrate'), values: [24000, 32000, 64000, 96000, 128000, 192000, 256000, 320000], text: (/** @type {number} */ bits) => `${bits / 1000} kbit/s` },
]);
