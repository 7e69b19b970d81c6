// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages at least once: a device that withholds its PUBACK, loses its link, and comes back.
import assert from 'node:assert/strict';
import { test } from '../support/ending.mjs';
import { Hub, startHub } from '../support/hub.mjs';
import { until } from '../support/waiting.mjs';
import { Device, hubOptions, provision, roundTrip, twinAnswers } from '../support/wire.mjs';

const hub = Hub.shared();

const queue = async (id, where = hub) => (await where.json('device', 'message', 'list', '-n', id)).value;
const send = (id, text, where = hub) => where.cli('device', 'message', 'send', '-n', id, '--message', text, '--message-id', text);
const bound = (id) => `devices/${id}/messages/devicebound/`;
const textsOf = (device) => device.publishes().filter((packet) => packet.topic.includes('/devicebound/')).map((packet) => packet.payload.toString());

// `acknowledges(text)`: whether that message gets its PUBACK.
async function connect(identity, { clean, acknowledges = () => true, where = hub }) {
  const device = await Device.connect({ ...hubOptions(where, identity), clean });
  device.client.options.customHandleAcks = (topic, message, packet, done) => { if (acknowledges(message.toString())) done(0); };
  await device.subscribe(`${bound(identity.id)}#`);
  await device.subscribe(`${twinAnswers}#`);
  return device;
}
const heard = (device, text) => device.message((topic, packet) => topic.includes('/devicebound/') && packet.payload.toString() === text, text);

test('unacknowledged_message_is_heard_again_in_a_kept_session_and_an_acknowledged_one_is_not', async () => {
  const identity = await provision(hub, 'wire-c2d-kept');
  const { id } = identity;
  const first = await connect(identity, { clean: false, acknowledges: (text) => text !== 'lost' });
  await send(id, 'had');
  const topic = (await heard(first, 'had')).topic;
  assert.equal(topic, `${bound(id)}%24.mid=had&%24.to=%2Fdevices%2F${id}%2Fmessages%2Fdevicebound`);
  await roundTrip(first); // its PUBACK is with the broker
  await send(id, 'lost');
  await heard(first, 'lost');
  await first.drop();

  const second = await connect(identity, { clean: false });
  assert.equal(second.sessionPresent, true);
  await heard(second, 'lost');
  assert.ok(await until(async () => (await queue(id)).some((message) => message.deliveryCount === 2)));
  assert.deepEqual((await queue(id)).map((message) => message.messageId), ['lost']);
  await second.end();

  const third = await connect(identity, { clean: false });
  assert.ok(await until(async () => (await queue(id)).length === 0));
  await send(id, 'next');
  await heard(third, 'next');
  assert.deepEqual(textsOf(third), ['next']);
  await third.end();
});

test('clean_session_hears_again_what_it_may_not_have_acknowledged', async () => {
  const identity = await provision(hub, 'wire-c2d-clean');
  const first = await connect(identity, { clean: true, acknowledges: () => false });
  await send(identity.id, 'lost');
  await heard(first, 'lost');
  await first.drop();
  const second = await connect(identity, { clean: true });
  await heard(second, 'lost');
  await second.end();
});

test('messages_wait_while_a_device_is_connected_and_unsubscribed', async () => {
  const identity = await provision(hub, 'wire-c2d-later');
  const device = await connect(identity, { clean: true });
  await device.unsubscribe(`${bound(identity.id)}#`);
  await roundTrip(device);
  await send(identity.id, 'waits');
  await roundTrip(device);
  assert.deepEqual(textsOf(device), []);
  await device.subscribe(`${bound(identity.id)}#`);
  await heard(device, 'waits');
  await device.end();
});

test('fifty_messages_wait_and_the_next_is_refused_by_its_documented_code', async () => {
  const id = 'wire-c2d-full';
  const identity = await provision(hub, id);
  const texts = Array.from({ length: 50 }, (_, n) => `message-${n}`);
  for (const text of texts) await send(id, text);
  await assert.rejects(send(id, 'one-more'), /403004.*DeviceMaximumQueueDepthExceeded/);
  const device = await connect(identity, { clean: true });
  await heard(device, 'message-49');
  assert.deepEqual(textsOf(device), texts);
  await send(id, 'fits-again');
  await heard(device, 'fits-again');
  await device.end();
});

test('messages_and_subscriptions_outlive_the_hub_process', async () => {
  const own = await startHub();
  try {
    const away = await provision(own.hub, 'wire-c2d-away');
    const there = await provision(own.hub, 'wire-c2d-there');
    const device = await connect(there, { clean: true, where: own.hub });
    await device.subscribe('$iothub/methods/POST/#');
    await send(away.id, 'before', own.hub);
    await own.restart('SIGKILL'); // its brokers go on
    await send(there.id, 'after', own.hub);
    await heard(device, 'after');
    const called = own.hub.json('device', 'method', 'invoke', '-n', there.id, '--method-name', 'ping');
    const call = await device.message((topic) => topic.startsWith('$iothub/methods/POST/ping/'), 'the call');
    await device.publish(`$iothub/methods/res/200/?$rid=${/rid=(.*)$/.exec(call.topic)[1]}`, '{}');
    assert.equal((await called).status, 200);
    await device.end();

    await own.restart('SIGTERM');
    const later = await connect(away, { clean: true, where: own.hub });
    await heard(later, 'before');
    await later.end();
  } finally {
    await own.stop();
  }
});
