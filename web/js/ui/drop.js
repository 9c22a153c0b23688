/** Files that are dragged over the page and dropped. */

import { t } from '../core/i18n.js';
import { h } from './dom.js';

/**
 * @param {HTMLElement} root where the hint goes
 * @param {() => boolean} may
 * @param {(files: File[]) => void} onDrop
 */
export function takeDrops(root, may, onDrop) {
  const hint = h('div', { class: 'drop', hidden: true, 'aria-hidden': 'true' }, h('strong', {}, t('Drop the files to send them to the desktop')));
  root.append(hint);
  const isFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
  window.addEventListener('dragover', (event) => {
    if (!isFiles(event)) return;
    // In any case: the browser would leave the page for the file.
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = may() ? 'copy' : 'none';
    hint.hidden = !may();
  });
  window.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) hint.hidden = true;
  });
  window.addEventListener('drop', (event) => {
    hint.hidden = true;
    if (!isFiles(event)) return;
    event.preventDefault();
    // Folders have no bytes of their own, and no way here.
    const items = [...(event.dataTransfer?.items ?? [])];
    const files = items.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).flatMap((item) => item.getAsFile() ?? []);
    if (may()) onDrop(files);
  });
}
