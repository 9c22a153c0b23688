/** RTCStatsReport to the few numbers people look at. Pure; rates come from two reports. */

/**
 * @typedef {Iterable<[string, any]>} Report RTCStatsReport, or any list of its entries
 *
 * @typedef {object} Totals running counters, kept to tell rates next time
 * @property {number} time milliseconds
 * @property {number} bytes
 * @property {number} frames
 * @property {number} decodeSeconds
 * @property {number} bufferSeconds
 * @property {number} buffered frames that left the jitter buffer
 * @property {number} packets that arrived
 * @property {number} lost packets that did not
 *
 * @typedef {object} Numbers null: not known (yet)
 * @property {string | null} codec
 * @property {string | null} audioCodec
 * @property {number} width
 * @property {number} height
 * @property {number | null} fps
 * @property {number | null} bitsPerSecond
 * @property {number | null} rttMs
 * @property {number | null} jitterBufferMs
 * @property {number | null} decodeMs
 * @property {number} packetsLost
 * @property {number | null} lossPercent of the packets since the last report
 * @property {number} framesDropped
 * @property {string | null} decoder
 * @property {number | null} clockOffsetMs what this machine's clock is ahead of the server's
 * @property {'direct' | 'nat' | 'relay' | null} route
 * @property {string | null} transport such as "UDP"
 */

/**
 * @param {Report} report
 * @returns {{bytes: number, frames: number}} what has arrived so far
 */
export function received(report) {
  let bytes = 0;
  let frames = 0;
  for (const [, stat] of report) {
    if (stat.type !== 'inbound-rtp') continue;
    bytes += stat.bytesReceived ?? 0;
    frames += stat.framesDecoded ?? 0;
  }
  return { bytes, frames };
}

/**
 * @param {Report} report
 * @returns {number | undefined} seconds that a message takes to the server and back, where that is known
 */
export function roundTrip(report) {
  const byId = new Map(report);
  return selectedPath([...byId.values()], byId).rtt;
}

/**
 * @param {Report} report
 * @param {Totals | null} before
 * @returns {{numbers: Numbers, totals: Totals}}
 */
export function summarise(report, before) {
  const byId = new Map(report);
  const all = [...byId.values()];
  const inbound = (/** @type {string} */ kind) =>
    all.find((stat) => stat.type === 'inbound-rtp' && stat.kind === kind);
  const video = inbound('video');
  const audio = inbound('audio');

  /** @type {Totals} */
  const totals = {
    time: video?.timestamp ?? 0,
    bytes: (video?.bytesReceived ?? 0) + (audio?.bytesReceived ?? 0),
    frames: video?.framesDecoded ?? 0,
    decodeSeconds: video?.totalDecodeTime ?? 0,
    bufferSeconds: video?.jitterBufferDelay ?? 0,
    buffered: video?.jitterBufferEmittedCount ?? 0,
    packets: (video?.packetsReceived ?? 0) + (audio?.packetsReceived ?? 0),
    lost: Math.max(0, (video?.packetsLost ?? 0) + (audio?.packetsLost ?? 0)),
  };
  // Counters that ran backwards belong to another connection.
  const last = before && before.bytes <= totals.bytes && before.time < totals.time ? before : null;
  const seconds = last ? (totals.time - last.time) / 1000 : 0;
  const frames = last ? totals.frames - last.frames : 0;
  // A packet that comes late after all is lost no more.
  const lost = last ? Math.max(0, totals.lost - last.lost) : 0;
  const sent = last ? lost + totals.packets - last.packets : 0;
  const emitted = last ? totals.buffered - last.buffered : 0;

  const path = selectedPath(all, byId);
  return {
    totals,
    numbers: {
      codec: codecName(byId.get(video?.codecId)),
      audioCodec: codecName(byId.get(audio?.codecId)),
      width: video?.frameWidth ?? 0,
      height: video?.frameHeight ?? 0,
      fps: last ? frames / seconds : null,
      bitsPerSecond: last ? ((totals.bytes - last.bytes) * 8) / seconds : null,
      rttMs: path.rtt === undefined ? null : path.rtt * 1000,
      jitterBufferMs: last && emitted > 0 ? ((totals.bufferSeconds - last.bufferSeconds) / emitted) * 1000 : null,
      decodeMs: last && frames > 0 ? ((totals.decodeSeconds - last.decodeSeconds) / frames) * 1000 : null,
      packetsLost: totals.lost,
      lossPercent: last && sent > 0 ? (lost / sent) * 100 : null,
      framesDropped: video?.framesDropped ?? 0,
      decoder: video?.decoderImplementation ?? null,
      clockOffsetMs: clockOffset(byId.get(video?.remoteId), path.rtt),
      route: path.route,
      transport: path.transport,
    },
  };
}

/**
 * @param {any[]} all
 * @param {Map<string, any>} byId
 * @returns {{rtt: number | undefined, route: Numbers['route'], transport: string | null}}
 */
function selectedPath(all, byId) {
  const transport = all.find((stat) => stat.type === 'transport' && stat.selectedCandidatePairId);
  const pair =
    byId.get(transport?.selectedCandidatePairId) ??
    // Firefox marks the pair instead.
    all.find((stat) => stat.type === 'candidate-pair' && (stat.selected || (stat.nominated && stat.state === 'succeeded')));
  if (!pair) return { rtt: undefined, route: null, transport: null };
  const local = byId.get(pair.localCandidateId);
  const remote = byId.get(pair.remoteCandidateId);
  const types = [local?.candidateType, remote?.candidateType];
  const route = types.includes('relay') ? 'relay' : types.every((type) => type === 'host') ? 'direct' : 'nat';
  // To a relay the last hop to us may be TLS over TCP although the pair itself says UDP.
  const protocol = local?.relayProtocol ?? local?.protocol ?? null;
  return { rtt: pair.currentRoundTripTime, route, transport: protocol && String(protocol).toUpperCase() };
}

/**
 * A sender report carries the server's time when it left; it came here half a round trip later.
 * @param {any} report of type remote-outbound-rtp
 * @param {number | undefined} rtt seconds
 */
function clockOffset(report, rtt) {
  if (!report?.remoteTimestamp || rtt === undefined) return null;
  return report.timestamp - report.remoteTimestamp - (rtt * 1000) / 2;
}

/** @param {any} codec */
function codecName(codec) {
  const name = codec?.mimeType?.split('/')[1];
  return name ? name.replace(/^opus$/i, 'Opus') : null;
}
