/** What is said first on a connection: who is there. For the page and for its worker. */

/**
 * @typedef {{width: number, height: number, scale: number, control?: boolean, page?: string, transport?: 'websocket'}} Introduction
 *   control: false for who was watching when the connection was lost; page: what this page calls itself, so that its
 *   connections are known as one viewer; transport: where it is not WebRTC
 */

/**
 * @param {Introduction} introduction
 * @param {string[]} [codecs] MIME types that this browser can receive; the server offers nothing else
 * @returns {string} the first frame on the signalling socket
 */
export function hello({ width, height, scale: ratio, control = true, page, transport }, codecs) {
  const meta = { res: `${width}x${height}`, scale: ratio, media: ['video', 'audio'], codecs, page, transport, ...(control ? {} : { control }) };
  return `HELLO 1 ${btoa(JSON.stringify(meta))}`;
}
