/** Puts the parts together. Everything with a decision in it lives elsewhere. */

import { Clipboard } from './clipboard/clipboard.js';
import { Gate } from './clipboard/gate.js';
import * as localClipboard from './clipboard/local.js';
import { fileUrl, listFiles, sender } from './files/requests.js';
import { createLink, fetchCatalog, isSignedIn, revokeLinks, signOut } from './core/http.js';
import { chooseLanguage, t, useCatalog } from './core/i18n.js';
import { Log } from './core/log.js';
import { Measurements } from './core/measurements.js';
import { preference } from './core/preferences.js';
import { decodeMessage, pointerInPicture, pong, resize, scale } from './core/protocol.js';
import { endSession, giveControl, takeControl } from './core/viewers.js';
import { Gamepads } from './input/gamepad.js';
import { wantedResolution } from './input/geometry.js';
import { hotkeyOf } from './input/hotkeys.js';
import { Keyboard } from './input/keyboard.js';
import { Pointer } from './input/pointer.js';
import { connect } from './transport/connect.js';
import { takeDrops } from './ui/drop.js';
import { element } from './ui/dom.js';
import { canFullscreen, isFullscreen, toggleFullscreen } from './ui/fullscreen.js';
import { Microphone } from './ui/microphone.js';
import { Overlay } from './ui/overlay.js';
import { Panel } from './ui/panel.js';
import { saveText } from './ui/save.js';
import { ScreenKeyboard } from './ui/screen-keyboard.js';
import { Sound } from './ui/sound.js';
import { StatsFeed } from './ui/stats-feed.js';
import { Toasts } from './ui/toast.js';
import { View } from './ui/view.js';
import { Watching } from './ui/watching.js';

const RESIZE_PAUSE_MS = 500;

const base = new URL(document.baseURI);
// A page opened as http://user:password@… keeps them here, and fetch refuses such addresses. The browser remembers them.
base.username = base.password = '';
const log = new Log();
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const area = element('stage', HTMLElement);
const video = element('video', HTMLVideoElement);
const target = element('keys', HTMLTextAreaElement);

// Before anything is shown. Without a catalog, in English.
const language = preference('language') || chooseLanguage(navigator.languages);
if (language !== 'en') {
  const catalog = await fetchCatalog(language);
  if (catalog) useCatalog(language, catalog);
}
document.documentElement.lang = language;
element('stage', HTMLElement).setAttribute('aria-label', t('Desktop'));
target.setAttribute('aria-label', t('Keyboard input for the desktop'));

/** What the server has told about itself on this connection. */
/** @type {Omit<import('./ui/panel-stats.js').Server, 'transport'> & {resizes: boolean}} */
const server = { encoder: '', latencyMs: null, gpu: null, resizes: false };

/** Whether this page controls the desktop; kept over a lost connection, so that coming back takes control from nobody. */
let control = true;

const session = connect({ base, display: () => ({ ...desktopSize(), scale: devicePixelRatio, control }), chosen: () => preference('transport') });
const gate = new Gate((text) => void session.send(text));
/** What the user does goes through here, so that nothing overtakes the clipboard. @param {string} text */
const send = (text) => gate.send(text);

// The picture, sound and what lies over them.

const view = new View({ area, video, still: element('still', HTMLCanvasElement), scaling: () => preference('scaling'), onFrame: () => session.frameShown() });
const sound = new Sound(element('audio', HTMLAudioElement), element('chips', HTMLElement));
const watching = new Watching(element('chips', HTMLElement), () => send(takeControl()));
const toasts = new Toasts(element('toasts', HTMLElement));
const microphone = new Microphone({ root: element('chips', HTMLElement), sender: () => session.microphone(), tell: (text) => toasts.show(text) });
const overlay = new Overlay({ root: element('overlay', HTMLElement), onRetry: () => session.retryNow(), now: () => performance.now() });

// Input.

const clipboard = new Clipboard({
  send: (text) => session.send(text),
  drained: () => session.drained(),
  gate,
  local: localClipboard,
  type: (text) => keyboard.type(text),
  tell: (text) => toasts.show(text),
});
target.addEventListener('paste', (event) => void clipboard.pasted(event));
for (const type of ['keydown', 'pointerdown']) document.addEventListener(type, () => clipboard.gesture());
window.addEventListener('focus', () => void clipboard.focused());

const keyboard = new Keyboard({
  target,
  send,
  mac,
  hotkey: (event) => runHotkey(event),
  commandIsControl: () => preference('commandIsControl'),
  onTyped: () => screenKeyboard.typed(),
  onReset: () => {
    panel.releaseKeys();
    screenKeyboard.release();
  },
  pasteKey: () => clipboard.pasteKey(),
});
const pointer = new Pointer({
  area,
  video,
  send,
  mac,
  buffered: () => session.buffered(),
  onPress: (kind) => {
    showPointerInPicture(kind === 'touch' || pointer.locked);
    screenKeyboard.pressed(kind === 'touch');
    focusDesktop();
  },
  controlDown: () => keyboard.control,
  onLockRefused: () => toasts.show(t('The browser does not allow capturing the pointer')),
  touch: {
    mode: () => preference('touch'),
    zoom: (factor, centre, moved) => view.zoom(factor, centre, moved),
    keyboard: () => screenKeyboard.show(),
  },
});
// Not through the gate: a game does not wait for a paste.
const gamepads = new Gamepads({ send: (text) => session.send(text), buffered: () => session.buffered() });

const panel = new Panel({
  root: element('panel', HTMLElement),
  sound,
  microphone: microphone.button,
  fullscreen: canFullscreen(),
  onFullscreen: () => void switchFullscreen(),
  onPointerLock: () => {
    panel.toggle(false);
    void pointer.lock();
  },
  onScreenKeyboard: () => {
    panel.toggle(false);
    screenKeyboard.show(true);
  },
  onKeys: (keysyms) => {
    focusDesktop();
    keyboard.tap(...keysyms);
  },
  onHold: (keysym, down) => {
    focusDesktop();
    keyboard.hold(keysym, down);
  },
  onText: (text) => keyboard.type(text),
  settings: {
    send,
    mac,
    onPreference: (name) => {
      if (name === 'scaling') view.fit();
      if (name === 'resolution') sendSize();
      if (name === 'language' || name === 'transport') location.reload();
    },
  },
  files: {
    list: () => listFiles(base),
    urlOf: (name) => fileUrl(base, name),
    uploads: { send: sender(base), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)), random: Math.random },
    tell: (text) => toasts.show(text),
  },
  onSaveLog: () => void saveLog(),
  viewers: {
    onTake: () => send(takeControl()),
    onGive: (id) => send(giveControl(id)),
    onKick: (id) => send(endSession(id)),
    onInvite: (once) => void invite(once),
    onRevoke: () => void revoke(),
    onSignOut: () => void leave(),
  },
  onDone: focusDesktop,
  onToggle: (open) => {
    if (!open) return;
    void feed.run();
    void panel.files.refresh();
    void isSignedIn(base).then((signedIn) => panel.viewers.allowSignOut(signedIn));
  },
});
takeDrops(
  document.body,
  () => control && panel.files.mayUpload,
  (files) => {
    panel.toggle(true);
    panel.files.send(files);
  },
);

const feed = new StatsFeed({
  session,
  video,
  isOpen: () => panel.isOpen,
  show: (numbers, stages) => panel.stats.update(numbers, { ...server, transport: session.transport }, stages),
});

const measurements = new Measurements(session, send);

const screenKeyboard = new ScreenKeyboard({
  target,
  root: element('keybar', HTMLElement),
  onKey: (keysym) => keyboard.tap(keysym),
  onHold: (keysym, down) => keyboard.hold(keysym, down),
});

function focusDesktop() {
  if (document.activeElement !== target) target.focus({ preventScroll: true });
}

/**
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
function runHotkey(event) {
  const hotkey = hotkeyOf(event);
  if (!hotkey) return false;
  if (event.repeat) return true;
  if (hotkey === 'fullscreen') void switchFullscreen();
  else panel.toggle();
  return true;
}

async function switchFullscreen() {
  const result = await toggleFullscreen();
  if (result === 'entered-with-keys') toasts.show(t('Hold Esc to leave full screen'));
  if (result === 'refused') toasts.show(t('The browser does not allow full screen'));
}

let drawn = false;
/** @param {boolean} on */
function showPointerInPicture(on) {
  if (on === drawn) return;
  drawn = on;
  send(pointerInPicture(on));
}

// Keys pressed while nothing has the focus (right after loading, after a click beside a button) are
// meant for the desktop too.
document.addEventListener('keydown', (event) => {
  if (event.target === target) return;
  if (runHotkey(event)) event.preventDefault();
  else if (event.target === document.body && session.snapshot.state === 'live') {
    focusDesktop();
    target.dispatchEvent(new KeyboardEvent('keydown', event));
    event.preventDefault();
  }
});
document.addEventListener('pointerlockchange', () => {
  showPointerInPicture(pointer.locked);
  if (!pointer.locked) return;
  focusDesktop();
  toasts.show(t('Pointer captured. Press Esc to release it'));
});
document.addEventListener('fullscreenchange', () => {
  panel.showFullscreen(isFullscreen());
  focusDesktop();
});

// The session.

session.addEventListener('change', (event) => {
  const snapshot = detail(event);
  const { state, stage } = snapshot;
  const { dataset } = document.documentElement;
  log.add('session', snapshot);
  const wasLive = dataset.state === 'live';
  if (wasLive && state !== 'live') {
    view.keepStill();
    sound.detach();
    pointer.unlock();
  }
  dataset.state = state;
  dataset.stage = stage;
  if (state === 'failed') microphone.stop();
  document.title = state === 'live' ? 'egldesktop' : `${state === 'failed' ? t('Not connected') : t('Connecting')} – egldesktop`;
  overlay.update(snapshot, view.hasPicture);
  panel.showState(state);
  if (state === 'live' && !wasLive) {
    view.fit();
    if (!panel.isOpen) focusDesktop();
    void panel.files.refresh();
  }
});
session.addEventListener('track', (event) => {
  const track = detail(event);
  if (track.kind === 'video') view.attach(track);
  else sound.attach(track);
});
session.addEventListener('channel', (event) => {
  Object.assign(server, { encoder: '', latencyMs: null, gpu: null, resizes: false });
  view.forgetCursors();
  microphone.allow(false);
  log.add('channel', detail(event) ? session.transport : 'closed');
  document.documentElement.dataset.transport = session.transport?.kind ?? '';
  feed.forget();
  clipboard.reset();
  panel.viewers.update(null);
  watching.update(null);
  panel.settings.forget();
  measurements.stop();
  drawn = false;
  gamepads.restart(detail(event) && control);
  if (detail(event)) keyboard.reset();
});
session.addEventListener('message', (event) => {
  const message = decodeMessage(detail(event));
  if (message?.type === 'cursor') view.setCursor(message);
  else if (message?.type === 'ping') send(pong(message.startTime));
  else if (message?.type === 'latency') server.latencyMs = message.milliseconds;
  else if (message?.type === 'gpu') server.gpu = message;
  else if (message?.type === 'system') systemMessage(message);
  else if (message?.type === 'status') showStatus(message.text);
  else if (message?.type === 'viewers') showViewers(message);
  else if (message?.type === 'rumble') gamepads.rumble(message);
  else if (message?.type === 'clipboard-taken') clipboard.taken(message.id);
  else if (message) clipboard.receive(message);
});

/** @param {import('./core/viewers.js').ViewersMessage} viewers */
function showViewers(viewers) {
  if (viewers.control !== control) {
    if (viewers.control) toasts.show(t('You control the desktop.'));
    if (!viewers.control) keyboard.reset();
  }
  control = viewers.control;
  document.documentElement.dataset.control = String(control);
  panel.viewers.update(viewers);
  watching.update(viewers);
  panel.settings.allow(control);
  gamepads.setActive(control);
  microphone.setControl(control);
}

/** @param {boolean} once */
async function invite(once) {
  try {
    const link = await createLink(base, once);
    await navigator.clipboard.writeText(link.href);
    toasts.show(once ? t('The link is in the clipboard; it opens once, within a day') : t('The link is in the clipboard; it is good for a day'));
  } catch {
    toasts.show(t('The link cannot be made, or the browser does not allow copying it'));
  }
}

async function revoke() {
  try {
    await revokeLinks(base);
    toasts.show(t('All links are void'));
  } catch {
    toasts.show(t('The links could not be made void'));
  }
}

async function leave() {
  try {
    await signOut(base);
    location.reload();
  } catch {
    toasts.show(t('Signing out did not work'));
  }
}

/** @param {import('./core/protocol.js').SystemMessage} message */
function systemMessage({ name, value }) {
  log.add('server', `${name} ${value}`);
  if (name === 'encoder') server.encoder = value;
  else if (name === 'statistics') void measurements.start();
  else if (name === 'reload') session.restart();
  else if (name === 'microphone') microphone.allow(isTrue(value));
  else if (name === 'clipboard') clipboard.setPolicy(value);
  else if (panel.settings.show(name, value)) return;
  else if (name === 'touch' || name === 'pen') pointer.setDevice(name, isTrue(value));
  else if (name === 'smooth_wheel') pointer.setDevice('smoothWheel', isTrue(value));
  else if (name === 'resize') {
    server.resizes = isTrue(value);
    panel.settings.allowResize(server.resizes);
  }
}

/** As servers of Selkies print it. @param {string} value */
function isTrue(value) {
  return /^true$/i.test(value);
}

// The world around: the window, the network, the tab.

/** @type {ReturnType<typeof setTimeout> | undefined} */
let resizeTimer;
window.addEventListener('resize', () => {
  clearTimeout(resizeTimer);
  resizeTimer = setTimeout(sendSize, RESIZE_PAUSE_MS);
});

function sendSize() {
  // Only a server that said so follows the window; to others this would be noise.
  if (!server.resizes) return;
  const { width, height } = desktopSize();
  send(scale(devicePixelRatio));
  send(resize(width, height));
}

window.addEventListener('online', () => session.nudge());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    keyboard.reset();
    pointer.release();
    gamepads.release();
  } else {
    session.nudge();
  }
});

function desktopSize() {
  const fixed = /^(\d+)x(\d+)$/.exec(preference('resolution'));
  if (fixed) return { width: Number(fixed[1]), height: Number(fixed[2]) };
  const { clientWidth, clientHeight } = document.body;
  return wantedResolution(clientWidth, clientHeight, devicePixelRatio);
}

/** @param {string} text the server's own words */
function showStatus(text) {
  log.add('status', text);
  toasts.show(text);
}

async function saveLog() {
  const numbers = await feed.numbers();
  const { width, height } = screen;
  const facts = { transport: session.transport, browser: navigator.userAgent, screen: `${width}x${height} at ${devicePixelRatio}`, language, server, numbers };
  saveText('egldesktop-log.txt', log.text({ ...facts, state: session.snapshot }));
}

/** @param {Event} event */
function detail(event) {
  return /** @type {CustomEvent} */ (event).detail;
}

window.addEventListener('error', ({ message, filename, lineno }) => log.add('error', `${message} (${filename}:${lineno})`));
window.addEventListener('unhandledrejection', ({ reason }) => log.add('error', String(reason)));
// Only pages that came by TLS or from this machine have one.
navigator.serviceWorker?.register(new URL('sw.js', base)).catch((error) => log.add('service worker', String(error)));
session.start();
