/** What this browser can decode without WebRTC. */

/** One of each kind, as the server names them. @type {readonly [string, string][]} */
const VIDEO = [
  ['video/H264', 'avc1.42e01f'], ['video/H265', 'hev1.1.6.L93.B0'], ['video/VP8', 'vp8'], ['video/VP9', 'vp09.00.10.08'], ['video/AV1', 'av01.0.04M.08'],
];

/** What OpusHead says of 5.1 (RFC 7845, 5.1). */
const SURROUND = new Uint8Array([...'OpusHead'].map((letter) => letter.charCodeAt(0)).concat([1, 6, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 1, 4, 2, 0, 4, 1, 2, 3, 5]));

/** @type {readonly [string, {numberOfChannels: number, description?: Uint8Array}][]} */
const SOUND = [['audio/opus', { numberOfChannels: 2 }], ['audio/multiopus', { numberOfChannels: 6, description: SURROUND }]];

/** A browser that says nothing for so long will not. */
const LIMIT_MS = 3000;

/** @returns {Promise<string[]>} MIME types; empty where there is no codec for pictures */
export async function decodable() {
  const limit = new Promise((resolve) => setTimeout(resolve, LIMIT_MS, null));
  const supports = async (/** @type {Promise<{supported?: boolean}>} */ answer) => (await Promise.race([answer.catch(() => null), limit]))?.supported ?? false;
  const video = VIDEO.map(async ([mime, codec]) => ((await supports(VideoDecoder.isConfigSupported({ codec }))) ? mime : ''));
  const hasSound = typeof AudioDecoder !== 'undefined';
  const sound = SOUND.map(async ([mime, config]) => (hasSound && (await supports(AudioDecoder.isConfigSupported({ codec: 'opus', sampleRate: 48_000, ...config }))) ? mime : ''));
  const codecs = (await Promise.all(video)).filter(Boolean);
  return codecs.length > 0 ? [...codecs, ...(await Promise.all(sound)).filter(Boolean)] : codecs;
}
