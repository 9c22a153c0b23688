/** Binary frames of the WebSocket: an encoded frame behind a header of 16 bytes, and the receipts for it. Pure. */

const HEADER = 16;
const VIDEO = 1;
const AUDIO = 2;

/**
 * @typedef {object} MediaFrame
 * @property {'video' | 'audio'} medium
 * @property {boolean} keyframe whether it can be decoded without those before it
 * @property {number} sequence
 * @property {number} captured microseconds since 1970, by the server's clock
 * @property {Uint8Array} data a view, nothing is copied
 */

/**
 * @param {ArrayBuffer} buffer
 * @returns {MediaFrame | null} null for what is none
 */
export function decodeFrame(buffer) {
  if (buffer.byteLength <= HEADER) return null;
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  if (kind !== VIDEO && kind !== AUDIO) return null;
  return {
    medium: kind === VIDEO ? 'video' : 'audio',
    keyframe: (view.getUint8(1) & 1) === 1,
    sequence: view.getUint32(4),
    captured: Number(view.getBigUint64(8)),
    data: new Uint8Array(buffer, HEADER),
  };
}

/** Everything up to this frame has arrived. @param {number} sequence */
export const received = (sequence) => receipt(1, sequence);
/** What comes cannot be decoded without a keyframe. */
export const needsKeyframe = () => receipt(2, 0);

/**
 * @param {number} kind
 * @param {number} number
 */
function receipt(kind, number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, kind);
  view.setUint32(4, number);
  return view.buffer;
}

/**
 * @param {string} text a text frame
 * @returns {{kind: 'video', codec: string} | {kind: 'audio', codec: string, channels: number, description: string} | {kind: 'connection', rtt: number, time: number} | null}
 *   null for everything that is for the page
 */
export function decodeOwn(text) {
  // Most messages are for the page, and some are long.
  if (!/"type":"(media|connection)"/.test(text.length < 300 ? text : '')) return null;
  try {
    const { type, data } = JSON.parse(text);
    if (type === 'connection') return { kind: 'connection', rtt: Number(data.rtt), time: Number(data.time) };
    if (data.kind === 'video') return { kind: 'video', codec: String(data.codec) };
    if (data.kind === 'audio') return { kind: 'audio', codec: String(data.codec), channels: Math.min(8, Math.max(1, Number(data.channels) || 2)), description: String(data.description ?? '') };
  } catch {
    // Not for us, then.
  }
  return null;
}
