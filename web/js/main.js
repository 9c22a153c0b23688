/** Puts the parts together. Everything with a decision in it lives elsewhere. */

import { Focus } from './app/focus.js';
import { receiveMessages } from './app/messages.js';
import { Server } from './app/server.js';
import { desktopSize, followWindow } from './app/size.js';
import { Clipboard } from './clipboard/clipboard.js';
import { Gate } from './clipboard/gate.js';
import * as localClipboard from './clipboard/local.js';
import { fileUrl, listFiles, sender } from './files/requests.js';
import { createLink, fetchCatalog, isSignedIn, revokeLinks, signOut } from './core/http.js';
import { chooseLanguage, t, useCatalog } from './core/i18n.js';
import { Log } from './core/log.js';
import { Measurements } from './core/measurements.js';
import { preference } from './core/preferences.js';
import { askForControl, endSession, giveControl, refuseControl, takeControl } from './core/viewers.js';
import { Gamepads } from './input/gamepad.js';
import { Keyboard } from './input/keyboard.js';
import { Pointer } from './input/pointer.js';
import { connect } from './transport/connect.js';
import { Asking } from './ui/asking.js';
import { takeDrops } from './ui/drop.js';
import { element } from './ui/dom.js';
import { canFullscreen } from './ui/fullscreen.js';
import { Microphone } from './ui/microphone.js';
import { Overlay } from './ui/overlay.js';
import { Panel } from './ui/panel.js';
import { saveText } from './ui/save.js';
import { ScreenKeyboard } from './ui/screen-keyboard.js';
import { Sound } from './ui/sound.js';
import { StatsFeed } from './ui/stats-feed.js';
import { Toasts } from './ui/toast.js';
import { TouchGamepad } from './ui/touch-gamepad.js';
import { View } from './ui/view.js';
import { Watching } from './ui/watching.js';

const base = new URL(document.baseURI);
// A page opened as http://user:password@… keeps them here, and fetch refuses such addresses. The browser remembers them.
base.username = base.password = '';
// All of it has come: see boot.js.
history.replaceState(null, '');
const log = new Log();
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const area = element('stage', HTMLElement);
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

const server = new Server();

/** Whether this page controls the desktop; kept over a lost connection, so that coming back takes control from nobody. */
let control = true;
/** Whether it has asked for that, and waits for an answer. */
let asked = false;

const session = connect({
  base,
  display: () => ({ ...desktopSize(), scale: devicePixelRatio, control }),
  chosen: preference('transport'),
  untilSaid: () => gate.untilOpen(),
});
const gate = new Gate((text) => void session.send(text));
/** What the user does goes through here, so that nothing overtakes the clipboard. @param {string} text */
const send = (text) => gate.send(text);

// The picture, sound and what lies over them.

const view = new View({ area, video: element('video', HTMLVideoElement), still: element('still', HTMLCanvasElement), scaling: () => preference('scaling'), onFrame: () => session.frameShown() });
const sound = new Sound(element('audio', HTMLAudioElement), element('chips', HTMLElement));
const take = (/** @type {boolean} */ ask) => send(ask ? askForControl() : takeControl());
const watching = new Watching(element('chips', HTMLElement), take);
const asking = new Asking(element('chips', HTMLElement), { onGive: (id) => send(giveControl(id)), onRefuse: (id) => send(refuseControl(id)) });
const toasts = new Toasts(element('toasts', HTMLElement));
const microphone = new Microphone({ root: element('chips', HTMLElement), sender: () => session.microphone(), tell: (text) => toasts.show(text) });
const overlay = new Overlay({ root: element('overlay', HTMLElement), onRetry: () => session.retryNow(), now: () => performance.now() });

// Input.

/** @type {Focus} */
const focus = new Focus({ target, send, isLive: () => session.snapshot.state === 'live', pointer: () => pointer, panel: () => panel, toasts });
const sendSize = followWindow(server, send);
const clipboard = new Clipboard({
  send: (text) => session.send(text),
  drained: () => session.drained(),
  gate,
  local: localClipboard,
  type: (text) => keyboard.type(text),
  tell: (text) => toasts.show(text),
  show: (shared) => panel.clipboard.show(shared),
});
target.addEventListener('paste', (event) => void clipboard.pasted(event));
for (const type of ['keydown', 'pointerdown']) document.addEventListener(type, () => clipboard.gesture());
window.addEventListener('focus', () => void clipboard.focused());

const keyboard = new Keyboard({
  target,
  send,
  mac,
  hotkey: (event) => focus.hotkey(event),
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
  box: () => view.video.getBoundingClientRect(),
  size: () => view.size,
  send,
  mac,
  buffered: () => session.buffered(),
  onPress: (kind) => {
    focus.drawPointer(kind === 'touch' || pointer.locked);
    screenKeyboard.pressed(kind === 'touch');
    focus.toDesktop();
  },
  controlDown: () => keyboard.control,
  mayLock: () => control,
  onLockRefused: () => toasts.show(t('The browser does not allow capturing the pointer')),
  touch: {
    mode: () => preference('touch'),
    zoom: (factor, centre, moved) => view.zoom(factor, centre, moved),
    keyboard: () => control && screenKeyboard.show(),
  },
});
// Not through the gate: a game does not wait for a paste.
const gamepads = new Gamepads({
  send: (text) => session.send(text),
  buffered: () => session.buffered(),
  onChange: (gamepad) => {
    panel.gamepads.refresh();
    toasts.show(gamepad ? t('Gamepad: {name}', { name: gamepad.id }) : t('A gamepad has gone'));
  },
});

const panel = new Panel({
  root: element('panel', HTMLElement),
  sound,
  microphone: microphone.button,
  fullscreen: canFullscreen(),
  onFullscreen: () => void focus.switchFullscreen(),
  onPointerLock: () => {
    panel.toggle(false);
    void pointer.lock();
  },
  onScreenKeyboard: () => {
    panel.toggle(false);
    screenKeyboard.show(true);
  },
  onTouchGamepad: () => {
    panel.toggle(false);
    touchGamepad.show(!touchGamepad.isOpen);
  },
  onKeys: (keysyms) => {
    focus.toDesktop();
    keyboard.tap(...keysyms);
  },
  onHold: (keysym, down) => {
    focus.toDesktop();
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
  clipboard: {
    put: (content) => clipboard.put(content),
    copy: (content) => clipboard.copy(content),
    read: 'read' in (navigator.clipboard ?? {}) ? localClipboard.read : null,
    tell: (text) => toasts.show(text),
  },
  gamepads: { list: () => gamepads.list(), onTry: (gamepad) => gamepads.try(gamepad) },
  onSaveLog: () => void saveLog(),
  viewers: {
    onTake: take,
    onGive: (id) => send(giveControl(id)),
    onKick: (id) => send(endSession(id)),
    onInvite: (once) => void invite(once),
    onRevoke: () => void revoke(),
    onSignOut: () => void leave(),
  },
  onDone: () => focus.toDesktop(),
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
  video: () => view.video,
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

const touchGamepad = new TouchGamepad(element('thumbs', HTMLElement), gamepads);

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
    if (!panel.isOpen) focus.toDesktop();
    void panel.files.refresh();
  }
});
session.addEventListener('track', (event) => {
  const track = detail(event);
  if (track.kind === 'video') view.attach(track);
  else sound.attach(track);
});
session.addEventListener('picture', (event) => view.show(detail(event)));
session.addEventListener('channel', (event) => {
  server.forget();
  focus.forget();
  view.forgetCursors();
  microphone.allow(false);
  log.add('channel', detail(event) ? 'open' : 'closed');
  feed.forget();
  clipboard.reset();
  panel.viewers.update(null);
  watching.update(null);
  asking.update(null);
  asked = false;
  panel.settings.forget();
  measurements.stop();
  gamepads.restart(detail(event) && control);
  if (detail(event)) keyboard.reset();
});
session.addEventListener('handover', () => {
  feed.forget();
  clipboard.handover();
  // The desktop has let go of what the other connection held.
  keyboard.reset();
  gamepads.restart(control);
});
session.addEventListener('transport', (event) => {
  const { kind = '', reason = '' } = detail(event) ?? {};
  log.add('transport', { kind, reason });
  const { dataset } = document.documentElement;
  dataset.transport = kind;
  dataset.settled = String(kind !== '' && reason !== 'trying');
});
receiveMessages({ session, server, send, log, measurements, clipboard, gamepads, microphone, pointer, panel, feed, toasts, view, onViewers: showViewers });

/** @param {import('./core/viewers.js').ViewersMessage} viewers */
function showViewers(viewers) {
  if (viewers.control !== control) {
    if (viewers.control) toasts.show(t('You control the desktop.'));
    if (!viewers.control) loseControl();
  } else if (asked && !viewers.asks && !viewers.control) {
    toasts.show(t('Who controls the desktop keeps control for now'));
  }
  asked = viewers.asks;
  control = viewers.control;
  document.documentElement.dataset.control = String(control);
  panel.viewers.update(viewers);
  watching.update(viewers);
  asking.update(viewers);
  panel.setControl(control);
  gamepads.setActive(control);
  microphone.setControl(control);
}

/** What only makes sense for who controls ends. */
function loseControl() {
  keyboard.reset();
  pointer.unlock();
  screenKeyboard.close();
  touchGamepad.show(false);
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

// The world around: the window, the network, the tab.

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
