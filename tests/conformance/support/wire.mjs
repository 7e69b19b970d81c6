// SPDX-License-Identifier: Apache-2.0
// A device that shows every packet: mqtt.js with nothing of an SDK on top. Speaks CSR and renewal as the preview SDKs do.
import { createHmac } from 'node:crypto';
import mqtt from 'mqtt';
import { endWithTest } from './ending.mjs';
import { event, generous, within } from './waiting.mjs';
import { identityOf, newCsr, newKey } from './identity.mjs';

export const dpsVersion = '2025-07-01-preview';
export const hubVersion = '2025-08-01-preview';

export class Device {
  // Resolves when the connection is accepted; rejects with an Error whose `code` is the CONNACK's, if one came.
  static connect(options) {
    const client = mqtt.connect({ protocol: 'mqtts', protocolVersion: 4, clean: true, reconnectPeriod: 0, connectTimeout: generous, ...options });
    endWithTest(() => client.end(true));
    const device = new Device(client);
    return within(new Promise((resolve, reject) => {
      client.once('connect', () => resolve(device));
      client.once('error', (error) => { client.end(true); reject(error); });
      client.once('close', () => reject(new Error('closed without CONNACK')));
    }), 'CONNACK');
  }

  constructor(client) {
    this.client = client;
    this.packets = []; // every packet of the server's, in order
    this.taken = new Set();
    this.closed = new Promise((resolve) => client.once('close', resolve));
    client.on('packetreceive', (packet) => this.packets.push(packet));
    client.on('error', () => {});
  }

  get sessionPresent() { return this.packets.find((packet) => packet.cmd === 'connack').sessionPresent; }

  subscribe(filter, qos = 1) {
    return within(new Promise((resolve, reject) => {
      this.client.subscribe(filter, { qos }, (error, granted) => error ? reject(error) : resolve(granted[0].qos));
    }), `SUBACK for ${filter}`);
  }
  unsubscribe(filter) {
    return within(new Promise((resolve, reject) => this.client.unsubscribe(filter, (error) => error ? reject(error) : resolve())), 'UNSUBACK');
  }
  publish(topic, payload, qos = 1) {
    return within(new Promise((resolve, reject) => {
      this.client.publish(topic, payload, { qos }, (error) => error ? reject(error) : resolve());
    }), `PUBACK for ${topic}`);
  }

  publishes() { return this.packets.filter((packet) => packet.cmd === 'publish'); }
  find(wanted) {
    return this.publishes().find((packet) => !this.taken.has(packet) && wanted(packet.topic, packet));
  }
  // The first message that is not taken yet and is wanted; each is taken once.
  message(wanted, what) {
    return within(new Promise((resolve, reject) => {
      const look = () => {
        const found = this.find(wanted);
        if (!found) return;
        this.client.off('packetreceive', look);
        this.taken.add(found);
        resolve({ ...messageOf(found), packet: found });
      };
      this.client.on('packetreceive', look);
      this.closed.then(() => { look(); reject(new Error(`${what}: the connection was closed`)); });
      look();
    }), what);
  }
  // An answer to that request: {status, topic, text, body}.
  answer(prefix, rid) {
    const shape = new RegExp(`^${prefix.replace(/[$/]/g, '\\$&')}(\\d{3})/\\?\\$rid=${rid}(&|$)`);
    return this.message((topic) => shape.test(topic), `answer to ${rid}`)
      .then((message) => ({ status: Number(shape.exec(message.topic)[1]), ...message }));
  }

  end() {
    return within(new Promise((resolve) => this.client.end(false, {}, resolve)), 'the end of a connection')
      .catch((late) => { this.client.end(true); throw late; });
  }
  // As a lost link ends it: no DISCONNECT.
  drop() { this.client.stream.destroy(); return event(this.client, 'close').catch(() => {}); }
}

function messageOf(packet) {
  const text = packet.payload.toString();
  let body;
  try { body = JSON.parse(text); } catch { body = undefined; }
  return { topic: packet.topic, text, body, qos: packet.qos };
}

const split = (address) => ({ host: address.split(':')[0], port: Number(address.split(':')[1]) });

// --- provisioning

export function token(hub, registrationId, { encoded = true, key, resource } = {}) {
  const plain = resource ?? `${hub.idScope}/registrations/${registrationId}`;
  const sr = encoded ? encodeURIComponent(plain) : plain;
  const se = Math.floor(Date.now() / 1000) + 3600;
  const signature = createHmac('sha256', Buffer.from(key ?? hub.deviceKey(registrationId), 'base64')).update(`${sr}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&skn=registration&se=${se}`;
}

export function dpsOptions(hub, registrationId, { version = dpsVersion, more = '', password } = {}) {
  return {
    ...split(hub.dps), ca: hub.ca, clientId: registrationId,
    username: `${hub.idScope}/registrations/${registrationId}/api-version=${version}${more}`,
    password: password ?? token(hub, registrationId),
  };
}

export const dpsAnswers = '$dps/registrations/res/';
export const register = (rid) => `$dps/registrations/PUT/iotdps-register/?$rid=${rid}`;
export const poll = (rid, operation) => `$dps/registrations/GET/iotdps-get-operationstatus/?$rid=${rid}&operationId=${operation}`;

// Registers and polls to the end on a connection; the last answer.
export async function finish(device, body) {
  await device.publish(register('r0'), body);
  let answer = await device.answer(dpsAnswers, 'r0');
  for (let n = 1; answer.status === 202; ++n) {
    const wait = /&retry-after=(\d+)/.exec(answer.topic);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(wait?.[1] ?? 1)));
    await device.publish(poll(`r${n}`, answer.body.operationId), ' ');
    answer = await device.answer(dpsAnswers, `r${n}`);
  }
  return answer;
}

// A device of the hub's default group with a certificate of the hub's: what goes to 5.1 of a device's life.
export async function provision(hub, registrationId) {
  const key = newKey();
  const device = await Device.connect(dpsOptions(hub, registrationId));
  await device.subscribe('$dps/registrations/res/#');
  const answer = await finish(device, JSON.stringify({ registrationId, csr: newCsr(key, registrationId) }));
  await device.end();
  if (answer.body?.status !== 'assigned') throw new Error(`not assigned: ${answer.topic} ${answer.text}`);
  return { id: registrationId, hub: answer.body.registrationState.assignedHub, ...identityOf(key, answer.body.registrationState.issuedCertificateChain) };
}

// --- the hub

export function hubOptions(hub, identity, { version = hubVersion } = {}) {
  return {
    ...split(hub.address), ca: hub.ca, cert: identity.cert, key: identity.key, clientId: identity.id,
    username: `${hub.address.split(':')[0]}/${identity.id}/?api-version=${version}`,
  };
}

export const renewalAnswers = '$iothub/credentials/res/';
export const issue = (rid) => `$iothub/credentials/POST/issueCertificate/?$rid=${rid}`;
export const twinAnswers = '$iothub/twin/res/';

// A connection at the hub that hears renewal and twin answers.
export async function connectHub(hub, identity, options) {
  const device = await Device.connect({ ...hubOptions(hub, identity, options), ...options?.mqtt });
  await device.subscribe(`${renewalAnswers}#`);
  await device.subscribe(`${twinAnswers}#`);
  return device;
}

let asked = 0;
// Requests of one connection are answered in their order: once this one is, silence about earlier ones is final.
export async function roundTrip(device) {
  const rid = `sync-${++asked}`;
  await device.publish(`$iothub/twin/GET/?$rid=${rid}`, ' ');
  return device.answer(twinAnswers, rid);
}
