/** Icons, drawn for this project on a 24-unit grid with one stroke width. */

import { svg } from './dom.js';

/** @type {Readonly<Record<string, string[]>>} path data per icon */
const PATHS = Object.freeze({
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  expand: ['M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9', 'M15 4h3.500a1.5 1.5 0 0 1 1.5 1.500V9', 'M20 15v3.500a1.5 1.5 0 0 1-1.5 1.500H15', 'M9 20H5.500A1.5 1.5 0 0 1 4 18.500V15'],
  shrink: ['M9 4v3.500A1.5 1.5 0 0 1 7.5 9H4', 'M20 9h-3.500A1.5 1.5 0 0 1 15 7.500V4', 'M15 20v-3.500a1.5 1.5 0 0 1 1.5-1.500H20', 'M4 15h3.500A1.5 1.5 0 0 1 9 16.500V20'],
  pointer: ['M5.5 4.500l13 5.2-5.6 2.3-2.3 5.600z', 'M13.5 13.500L19 19'],
  keyboard: ['M4.5 7h15A1.5 1.5 0 0 1 21 8.500v7a1.5 1.5 0 0 1-1.5 1.500h-15A1.5 1.5 0 0 1 3 15.500v-7A1.5 1.5 0 0 1 4.5 7z', 'M7 10.500h.01', 'M10.3 10.500h.01', 'M13.7 10.500h.01', 'M17 10.500h.01', 'M8.5 13.800h7'],
  sound: ['M4 10v4h3.500L12 18V6L7.5 10z', 'M15.5 9.200a4 4 0 0 1 0 5.6', 'M18 6.700a7.5 7.5 0 0 1 0 10.6'],
  muted: ['M4 10v4h3.500L12 18V6L7.5 10z', 'M16 9.500l5 5', 'M21 9.500l-5 5'],
  microphone: ['M12 3.500a2.5 2.500 0 0 1 2.500 2.500v5.500a2.500 2.500 0 0 1-5 0V6A2.500 2.500 0 0 1 12 3.500z', 'M6 11.500a6 6 0 0 0 12 0', 'M12 17.500v3'],
  alert: ['M12 8v5', 'M12 16.500h.01', 'M10.6 4.300L3.2 17.200A1.6 1.6 0 0 0 4.6 19.600h14.800a1.6 1.6 0 0 0 1.4-2.400L13.4 4.300a1.6 1.6 0 0 0-2.8 0z'],
  lock: ['M7 11h10a1.5 1.5 0 0 1 1.5 1.500v5A1.5 1.5 0 0 1 17 19H7a1.5 1.5 0 0 1-1.5-1.500v-5A1.5 1.5 0 0 1 7 11z', 'M8.5 11V8.500a3.5 3.5 0 0 1 7 0V11'],
  unplugged: ['M9 3.500v4', 'M15 3.500v4', 'M6.5 7.500h11v3.500a5.5 5.5 0 0 1-11 0z', 'M12 16.500v4'],
  chevron: ['M14.5 6l-6 6 6 6'],
  down: ['M6 9.500l6 6 6-6'],
  eye: ['M2.5 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z', 'M12 9.200a2.8 2.8 0 1 1 0 5.600 2.8 2.8 0 0 1 0-5.600z'],
  hand: ['M8 13V6.200a1.5 1.5 0 0 1 3 0V11', 'M11 10.500V4.700a1.5 1.5 0 0 1 3 0v5.800', 'M14 10.800V6.200a1.5 1.5 0 0 1 3 0v8.300a6 6 0 0 1-6 6h-.6a5 5 0 0 1-4-2l-3-4.100a1.5 1.5 0 0 1 2.300-1.900L8 14.500'],
  gamepad: ['M8 7.500h8a5 5 0 0 1 4.900 4l.8 4a2.600 2.600 0 0 1-4.600 2.100L15.500 15.500h-7l-1.600 2.100a2.600 2.600 0 0 1-4.600-2.100l.8-4a5 5 0 0 1 4.900-4z', 'M8.500 10v3', 'M7 11.500h3', 'M15 10.500h.01', 'M17 12.500h.01'],
  send: ['M5 12h13', 'M12.5 6.500L18 12l-5.5 5.5'],
});

/**
 * @param {string} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return svg(
    'svg',
    {
      class: 'icon', viewBox: '0 0 24 24', width: 20, height: 20, fill: 'none', stroke: 'currentColor',
      'stroke-width': 1.7, 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true',
    },
    ...PATHS[name].map((d) => svg('path', { d })),
  );
}

/** The mark of the product: a screen with a lower-case "e" made of one line. */
export function mark() {
  const gradient = svg(
    'linearGradient',
    { id: 'mark-fill', x1: 0, y1: 0, x2: 1, y2: 1 },
    svg('stop', { offset: 0, 'stop-color': '#5ff0d0' }),
    svg('stop', { offset: 0.55, 'stop-color': '#4d9dff' }),
    svg('stop', { offset: 1, 'stop-color': '#8b6dff' }),
  );
  return svg(
    'svg',
    { class: 'mark', viewBox: '0 0 64 64', 'aria-hidden': 'true' },
    svg('defs', {}, gradient),
    svg('rect', { x: 4, y: 4, width: 56, height: 56, rx: 17, fill: 'url(#mark-fill)' }),
    svg('path', {
      d: 'M18.5 33h27a13.5 13.5 0 1 0-4.6 10.2', fill: 'none', stroke: '#081019',
      'stroke-width': 6.5, 'stroke-linecap': 'round', 'stroke-linejoin': 'round',
    }),
  );
}
