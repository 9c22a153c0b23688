/** Whether this browser can show the desktop without WebRTC, and what it can decode then. */

/** One of each kind, as the server names them. @type {readonly [string, string][]} */
const VIDEO = [
  ['video/H264', 'avc1.42e01f'], ['video/H265', 'hev1.1.6.L93.B0'], ['video/VP8', 'vp8'], ['video/VP9', 'vp09.00.10.08'], ['video/AV1', 'av01.0.04M.08'],
];

/**
 * @typedef {{codecs: string[], lacks: null} | {codecs: null, lacks: 'https' | 'webcodecs'}} Support
 *   codecs: MIME types; lacks: https, because browsers have WebCodecs only there and on this machine itself
 */

/** @returns {Promise<Support>} */
export async function socketSupport() {
  if (!isSecureContext) return { codecs: null, lacks: 'https' };
  if (typeof VideoDecoder === 'undefined') return { codecs: null, lacks: 'webcodecs' };
  const video = VIDEO.map(async ([mime, codec]) => ((await VideoDecoder.isConfigSupported({ codec }).catch(() => null))?.supported ? mime : ''));
  const codecs = (await Promise.all(video)).filter(Boolean);
  if (codecs.length === 0) return { codecs: null, lacks: 'webcodecs' };
  if (typeof AudioDecoder !== 'undefined' && typeof AudioWorkletNode !== 'undefined') {
    const opus = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 2 };
    if ((await AudioDecoder.isConfigSupported(opus).catch(() => null))?.supported) codecs.push('audio/opus');
  }
  return { codecs, lacks: null };
}
