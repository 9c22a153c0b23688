/** The clipboard of this machine, as far as the browser lets a page have it. */

import { MIMES } from '../core/content.js';

/** @typedef {import('../core/content.js').Content} Content */
/** @typedef {import('../core/content.js').Mime} Mime */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What a paste event brings.
 * @param {DataTransfer} data
 * @returns {Promise<Content>}
 */
export async function fromTransfer(data) {
  // All of it at once: after the event nothing is left to read.
  const texts = /** @type {Mime[]} */ (['text/plain', 'text/html']).map((mime) => /** @type {const} */ ([mime, data.getData(mime)]));
  const image = [...data.files].find((file) => file.type === 'image/png');
  /** @type {Content} */
  const content = new Map();
  for (const [mime, text] of texts) if (text !== '') content.set(mime, encoder.encode(text));
  if (image) content.set('image/png', new Uint8Array(await image.arrayBuffer()));
  return content;
}

/**
 * Reads without being asked to by the user, where the user has allowed that for good.
 * @returns {Promise<Content | null>}
 */
export async function readIfGranted() {
  try {
    const permission = await navigator.permissions.query({ name: /** @type {PermissionName} */ ('clipboard-read') });
    return permission.state === 'granted' ? await read() : null;
  } catch {
    return null; // a browser that has no such permission
  }
}

/**
 * Reads; browsers ask the user first. Rejects when that is refused.
 * @returns {Promise<Content>}
 */
export async function read() {
  /** @type {Content} */
  const content = new Map();
  for (const item of await navigator.clipboard.read()) {
    for (const mime of MIMES.filter((one) => item.types.includes(one))) {
      const blob = await item.getType(mime);
      content.set(mime, new Uint8Array(await blob.arrayBuffer()));
    }
  }
  return content;
}

/**
 * Rejects while the page has no focus, and in some browsers without a click or a key.
 * @param {Content} content
 */
export async function write(content) {
  const blobs = [...content].map(([mime, bytes]) => [mime, new Blob([bytes], { type: mime })]);
  await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
}

/**
 * The way of pages that came without TLS: text only, and only while a key or a click is handled.
 * @param {Content} content
 * @returns {boolean}
 */
export function copyInEvent(content) {
  /** @param {ClipboardEvent} event */
  const fill = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const [mime, bytes] of content) {
      if (mime !== 'image/png') event.clipboardData?.setData(mime, decoder.decode(bytes));
    }
  };
  document.addEventListener('copy', fill, { capture: true, once: true });
  const copied = document.execCommand('copy');
  document.removeEventListener('copy', fill, { capture: true });
  return copied;
}

/**
 * Whether both came from the same copy. Browsers clean HTML up and encode images anew, so what was
 * written is not what is read; the text and the pixels are.
 * @param {Content} one
 * @param {Content} other
 */
export async function sameContent(one, other) {
  const [text, otherText] = [one.get('text/plain'), other.get('text/plain')];
  if (text || otherText) return sameText(text, otherText);
  const [image, otherImage] = [one.get('image/png'), other.get('image/png')];
  if (!image || !otherImage) return one.size === 0 && other.size === 0;
  if (sameBytes(image, otherImage)) return true;
  const [pixels, otherPixels] = await Promise.all([pixelsOf(image), pixelsOf(otherImage)]);
  return pixels !== null && otherPixels !== null && pixels.width === otherPixels.width && sameBytes(pixels.data, otherPixels.data);
}

/**
 * Windows writes CR LF where the desktop had LF.
 * @param {Uint8Array | undefined} one
 * @param {Uint8Array | undefined} other
 */
function sameText(one, other) {
  const plain = (/** @type {Uint8Array | undefined} */ bytes) => decoder.decode(bytes).replaceAll('\r\n', '\n');
  return plain(one) === plain(other);
}

/**
 * @param {Uint8Array | Uint8ClampedArray} one
 * @param {Uint8Array | Uint8ClampedArray} other
 */
function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/**
 * @param {Uint8Array<ArrayBuffer>} png
 * @returns {Promise<ImageData | null>}
 */
async function pixelsOf(png) {
  try {
    const bitmap = await createImageBitmap(new Blob([png], { type: 'image/png' }));
    const canvas = document.createElement('canvas');
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context?.drawImage(bitmap, 0, 0);
    return context?.getImageData(0, 0, bitmap.width, bitmap.height) ?? null;
  } catch {
    return null;
  }
}
