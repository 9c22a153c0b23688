import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hello } from '../js/core/hello.js';
import * as protocol from '../js/core/protocol.js';

const message = (type, data) => JSON.stringify({ type, data });

describe('client to server', () => {
  it('writes the mouse', () => {
    assert.equal(protocol.mouseAbsolute(10.4, 20.6, 5), 'm,10,21,5,0');
    assert.equal(protocol.mouseRelative(1.239, -0.5, 1), 'm2,1.24,-0.5,1,0');
    assert.equal(protocol.mouseRelative(-0.001, 3, 8, 2), 'm2,0,3,8,2');
  });

  it('writes what the browser measures, picture and sound apart', () => {
    const report = new Map([
      ['V', { type: 'inbound-rtp', id: 'V', kind: 'video' }],
      ['A', { type: 'inbound-rtp', id: 'A', kind: 'audio' }],
      ['T', { type: 'transport', id: 'T' }],
    ]);
    const [video, audio] = protocol.statistics(report);
    assert.deepEqual(JSON.parse(video.replace('_stats_video,', '')).map((stat) => stat.id), ['V', 'T']);
    assert.deepEqual(JSON.parse(audio.replace('_stats_audio,', '')).map((stat) => stat.id), ['A']);
    report.delete('A');
    assert.equal(protocol.statistics(report).length, 1);
  });

  it('splits a long scroll and loses nothing', () => {
    assert.deepEqual(protocol.wheelSteps({ x: 0, y: 0 }), []);
    assert.deepEqual(protocol.wheelSteps({ x: 0, y: 3 }), [{ bit: 8, magnitude: 3 }]);
    assert.deepEqual(protocol.wheelSteps({ x: -1, y: -2 }), [{ bit: 16, magnitude: 2 }, { bit: 64, magnitude: 1 }]);
    assert.deepEqual(protocol.wheelSteps({ x: 23, y: 0 }), [10, 10, 3].map((magnitude) => ({ bit: 128, magnitude })));
  });

  it('writes keys', () => {
    assert.equal(protocol.keyDown(65), 'kd,65');
    assert.equal(protocol.keyUp(65), 'ku,65');
    assert.equal(protocol.keysHeld(new Set([65505, 97])), 'kh,65505,97');
  });

  it('keeps text whole', () => {
    assert.deepEqual(protocol.commitText(''), []);
    assert.deepEqual(protocol.commitText('a,b\r\nc\rd'), ['co,end,a,b\nc\nd']);
    const long = `${'x'.repeat(3999)}😀${'y'.repeat(5000)}`;
    const parts = protocol.commitText(long).map((part) => part.replace(/^co,end,/, ''));
    assert.equal(parts.join(''), long);
    assert.ok(parts.length > 1);
    for (const part of parts) assert.ok(part.isWellFormed?.() ?? !/[\ud800-\udbff]$/.test(part));
  });
});

describe('server to client', () => {
  it('reads a cursor', () => {
    assert.deepEqual(protocol.decodeMessage(message('cursor', { curdata: 'aGk=', handle: 7, override: null, hotspot: { x: 3, y: 4 } })), {
      type: 'cursor', image: 'aGk=', hotspot: { x: 3, y: 4 }, handle: '7',
    });
    const hidden = protocol.decodeMessage(message('cursor', { curdata: '', override: 'none', hotspot: null }));
    assert.equal(hidden.image, null);
    assert.deepEqual(hidden.hotspot, { x: 0, y: 0 });
  });

  it('lets nothing but base64 near the style sheet', () => {
    assert.equal(protocol.decodeMessage(message('cursor', { curdata: '"),url(//evil' })), null);
    assert.equal(protocol.decodeMessage(message('cursor', { curdata: { a: 1 } })), null);
  });

  it('reads system, ping and latency', () => {
    assert.deepEqual(protocol.decodeMessage(message('system', { action: 'resolution,1920x1080' })), { type: 'system', name: 'resolution', value: '1920x1080' });
    assert.deepEqual(protocol.decodeMessage(message('system', { action: 'reload' })), { type: 'system', name: 'reload', value: '' });
    assert.deepEqual(protocol.decodeMessage(message('ping', { start_time: 12.5 })), { type: 'ping', startTime: 12.5 });
    assert.deepEqual(protocol.decodeMessage(message('latency_measurement', { latency_ms: 3 })), { type: 'latency', milliseconds: 3 });
  });

  it('hears of the GPU', () => {
    const gpu = protocol.decodeMessage('{"type":"gpu_stats","data":{"load":0.25,"memory_total":8192,"memory_used":512}}');
    assert.deepEqual(gpu, { type: 'gpu', load: 0.25, memoryUsed: 512, memoryTotal: 8192 });
  });

  it('hears of the machine', () => {
    const machine = protocol.decodeMessage('{"type":"system_stats","data":{"cpu_percent":12.5,"mem_total":2048,"mem_used":512}}');
    assert.deepEqual(machine, { type: 'machine', load: 0.125, memoryUsed: 512, memoryTotal: 2048 });
    assert.equal(protocol.decodeMessage('{"type":"system_stats","data":{"cpu_percent":1}}'), null);
  });

  it('shrugs at everything else', () => {
    for (const text of ['', 'null', '[]', '{', '{"type":"cursor"}', '{"type":"x","data":{}}', '{"type":"ping","data":{"start_time":"a"}}', '{"type":"system","data":{"action":3}}', null, 5, new ArrayBuffer(2)]) {
      assert.equal(protocol.decodeMessage(text), null, String(text));
    }
  });
});

describe('signalling', () => {
  it('introduces itself', () => {
    const [word, id, meta] = hello({ width: 1280, height: 720, scale: 1.5 }).split(' ');
    assert.deepEqual([word, id], ['HELLO', '1']);
    assert.deepEqual(JSON.parse(atob(meta)), { res: '1280x720', scale: 1.5, media: ['video', 'audio'] });
    const [, , told] = hello({ width: 1, height: 1, scale: 1 }, ['video/H264']).split(' ');
    assert.deepEqual(JSON.parse(atob(told)).codecs, ['video/H264']);
  });

  it('reads frames', () => {
    assert.deepEqual(protocol.decodeSignal('HELLO'), { kind: 'hello' });
    assert.deepEqual(protocol.decodeSignal('ERROR peer busy'), { kind: 'error', text: 'peer busy' });
    assert.deepEqual(protocol.decodeSignal('{"sdp":{"type":"offer","sdp":"v=0"}}'), { kind: 'offer', sdp: 'v=0' });
    assert.deepEqual(protocol.decodeSignal('{"ice":{"candidate":"c","sdpMLineIndex":1}}'), { kind: 'candidate', candidate: { candidate: 'c', sdpMLineIndex: 1 } });
    for (const text of ['HELLOX', '{"sdp":{"type":"answer","sdp":"v=0"}}', '{"ice":{}}', '{"ice":null}', 'x', undefined]) {
      assert.equal(protocol.decodeSignal(text), null, String(text));
    }
  });

  it('finds where the desktop listens, which is not where it plays', () => {
    const section = (/** @type {string} */ mid, /** @type {string} */ direction) => `m=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=mid:${mid}\r\na=${direction}\r\n`;
    const video = 'v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:video0\r\na=recvonly\r\n';
    assert.equal(protocol.listeningSection(video + section('audio1', 'sendonly') + section('audio2', 'recvonly')), 'audio2');
    assert.equal(protocol.listeningSection(video + section('audio1', 'sendonly')), null);
  });

  it('takes surround sound that a browser turned down, with the transport of the rest', () => {
    const surround = 'a=rtpmap:111 MULTIOPUS/48000/6\r\na=fmtp:111 num_streams=4;coupled_streams=2;channel_mapping=0,4,1,2,3,5\r\n';
    const offer = `v=0\r\na=group:BUNDLE video0 audio1\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:video0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio1\r\na=rtcp-fb:111 transport-cc\r\n${surround}`;
    const video = 'm=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:video0\r\na=ice-ufrag:one\r\na=setup:active\r\n';
    const answer = `v=0\r\na=group:BUNDLE video0\r\n${video}m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=ice-ufrag:two\r\na=setup:active\r\na=mid:audio1\r\na=recvonly\r\na=rtpmap:0 PCMU/8000\r\n`;
    assert.equal(
      protocol.withSurround(answer, offer),
      `v=0\r\na=group:BUNDLE video0 audio1\r\n${video}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio1\r\na=recvonly\r\na=ice-ufrag:one\r\na=setup:active\r\n${surround}`,
    );
    // Whatever else was turned down stays so.
    const stereo = offer.replace('MULTIOPUS/48000/6', 'opus/48000/2');
    assert.equal(protocol.withSurround(answer, stereo), answer);
    const taken = answer.replace('m=audio 0', 'm=audio 9');
    assert.equal(protocol.withSurround(taken, offer), taken);
  });

  it('asks for stereo once, and only for Opus', () => {
    const sdp = 'a=fmtp:96 packetization-mode=1\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=x\r\n';
    const stereo = 'a=fmtp:96 packetization-mode=1\r\na=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\na=x\r\n';
    assert.equal(protocol.withStereo(sdp), stereo);
    assert.equal(protocol.withStereo(stereo), stereo);
    // sprop-stereo speaks about sending, not about what we want.
    assert.match(protocol.withStereo('a=fmtp:111 sprop-stereo=1;useinbandfec=1\r\n'), /useinbandfec=1;stereo=1\r\n$/);
  });
});
