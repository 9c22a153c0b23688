/** Decoded sound as a track, so that volume, muting and the browser's rules for sound are the same as with WebRTC. */

/** @type {AudioContext | null} one for the page: browsers allow few */
let context = null;
/** @type {Promise<void> | null} */
let loaded = null;

/**
 * @typedef {{track: MediaStreamTrack, port: MessagePort, close: () => void}} Speaker
 *   port: takes arrays with a Float32Array for each channel, 48 000 samples a second
 */

/**
 * @param {number} channels
 * @returns {Promise<Speaker>} rejects where this browser has no AudioWorklet
 */
export async function openSpeaker(channels) {
  if (!context) {
    const made = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
    context = made;
    // Browsers allow sound from the first gesture on.
    for (const type of ['pointerup', 'keydown']) {
      document.addEventListener(type, () => void (made.state === 'suspended' && made.resume()), { capture: true });
    }
  }
  const { audioWorklet } = context;
  loaded ??= audioWorklet.addModule(ownUrl('../worker/worklet.js'));
  await loaded;
  void context.resume();
  const node = new AudioWorkletNode(context, 'player', { numberOfInputs: 0, outputChannelCount: [channels] });
  const output = new MediaStreamAudioDestinationNode(context, { channelCount: channels });
  node.connect(output);
  const { port1, port2 } = new MessageChannel();
  node.port.postMessage(port1, [port1]);
  const [track] = output.stream.getAudioTracks();
  return {
    track,
    port: port2,
    close() {
      track.stop();
      node.disconnect();
    },
  };
}

/**
 * @param {string} name of a module, relative to this one
 * @returns {URL} without a password that is in the page's own address
 */
export function ownUrl(name) {
  const url = new URL(name, import.meta.url);
  url.username = url.password = '';
  return url;
}
