/** One RTCPeerConnection: answers the server's offer, tuned so that nothing waits in a buffer. */

import { listeningSection, withStereo, withSurround } from './protocol.js';

/**
 * @typedef {object} PeerHandlers
 * @property {(track: MediaStreamTrack) => void} onTrack
 * @property {(candidate: RTCIceCandidateInit) => void} onCandidate
 * @property {(state: 'connected' | 'disconnected' | 'failed') => void} onState
 * @property {(open: boolean) => void} onChannel
 * @property {(text: unknown) => void} onMessage
 *
 * @typedef {object} Peer
 * @property {(sdp: string) => Promise<string>} answerOffer
 * @property {(candidate: RTCIceCandidateInit) => Promise<void>} addCandidate
 * @property {(text: string) => boolean} send false when the message could not be sent
 * @property {() => number} buffered bytes that wait in the data channel
 * @property {() => Promise<void>} drained resolves once little waits in the data channel
 * @property {() => Promise<RTCStatsReport>} stats
 * @property {() => import('./latency.js').Source | null} videoSource of the last frame; null where this browser does not tell
 * @property {() => RTCRtpSender | null} microphone for what the user says; null where the desktop does not listen
 * @property {() => void} close
 */

const CHANNEL_LABEL = 'input';
/** Bytes that may wait in the data channel: enough to keep it busy. */
const LOW_BYTES = 256 * 1024;

/**
 * @param {RTCConfiguration} config
 * @param {PeerHandlers} handlers
 * @returns {Peer}
 */
export function createPeer(config, handlers) {
  const pc = new RTCPeerConnection({ ...config, bundlePolicy: 'max-bundle' });
  /** @type {RTCDataChannel | null} */
  let channel = null;
  /** @type {RTCIceCandidateInit[] | null} candidates that came before the offer was taken in */
  let early = [];
  let closed = false;
  /** @type {RTCRtpSender | null} */
  let microphone = null;

  pc.addEventListener('track', ({ track, receiver }) => {
    if (closed) return;
    removeDelay(receiver);
    handlers.onTrack(track);
  });
  pc.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate && !closed) handlers.onCandidate(candidate.toJSON());
  });
  const report = () => {
    if (closed) return;
    const states = [pc.iceConnectionState, pc.connectionState];
    if (states.includes('failed')) handlers.onState('failed');
    else if (states.includes('disconnected')) handlers.onState('disconnected');
    else if (pc.connectionState === 'connected') handlers.onState('connected');
  };
  pc.addEventListener('connectionstatechange', report);
  pc.addEventListener('iceconnectionstatechange', report);
  pc.addEventListener('datachannel', (event) => {
    if (closed || event.channel.label !== CHANNEL_LABEL) return;
    const opened = event.channel;
    channel = opened;
    opened.bufferedAmountLowThreshold = LOW_BYTES;
    const onOpen = () => !closed && handlers.onChannel(true);
    opened.addEventListener('message', ({ data }) => !closed && handlers.onMessage(data));
    opened.addEventListener('close', () => {
      if (closed || channel !== opened) return;
      channel = null;
      handlers.onChannel(false);
    });
    if (opened.readyState === 'open') onOpen();
    else opened.addEventListener('open', onOpen);
  });

  return {
    async answerOffer(sdp) {
      await pc.setRemoteDescription({ type: 'offer', sdp });
      const waiting = early ?? [];
      early = null;
      await Promise.all(waiting.map((candidate) => addQuietly(pc, candidate)));
      const listening = listeningSection(sdp);
      const transceiver = pc.getTransceivers().find(({ mid }) => mid !== null && mid === listening);
      if (transceiver) {
        // From the beginning, so that nothing has to be negotiated when the user begins to speak.
        transceiver.direction = 'sendonly';
        microphone = transceiver.sender;
      }
      const answer = await pc.createAnswer();
      const full = withSurround(withStereo(answer.sdp ?? ''), sdp);
      await pc.setLocalDescription({ type: 'answer', sdp: full });
      return full;
    },
    async addCandidate(candidate) {
      if (early) early.push(candidate);
      else await addQuietly(pc, candidate);
    },
    send(text) {
      if (channel?.readyState !== 'open') return false;
      try {
        channel.send(text);
        return true;
      } catch {
        return false; // its queue is full: the connection is as good as dead, the watchdog will see
      }
    },
    buffered: () => channel?.bufferedAmount ?? 0,
    async drained() {
      const waiting = channel;
      if (!waiting || waiting.bufferedAmount <= LOW_BYTES) return;
      await new Promise((resolve) => {
        for (const type of ['bufferedamountlow', 'close']) waiting.addEventListener(type, resolve, { once: true });
      });
    },
    stats: () => pc.getStats(),
    videoSource() {
      const receiver = pc.getReceivers().find(({ track }) => track.kind === 'video');
      return receiver?.getSynchronizationSources?.()[0] ?? null;
    },
    microphone: () => microphone,
    close() {
      closed = true;
      channel = null;
      microphone = null;
      pc.close();
    },
  };
}

/**
 * Asks for no jitter buffer: a late frame of a desktop is worth less than a fresh one. The server's
 * playout-delay extension does the same; this covers streams that pass through something that
 * strips it.
 * @param {RTCRtpReceiver} receiver
 */
function removeDelay(receiver) {
  for (const name of ['jitterBufferTarget', 'playoutDelayHint']) {
    try {
      if (name in receiver) Reflect.set(receiver, name, 0);
    } catch {
      // A hint; a browser that refuses it still plays.
    }
  }
}

/**
 * @param {RTCPeerConnection} pc
 * @param {RTCIceCandidateInit} candidate
 */
async function addQuietly(pc, candidate) {
  try {
    await pc.addIceCandidate(candidate);
  } catch {
    // One candidate the browser cannot use (an unresolvable name, say) must not end the attempt:
    // the others may well work, and if none does ICE reports it.
  }
}
