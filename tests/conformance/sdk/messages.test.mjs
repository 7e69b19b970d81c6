// SPDX-License-Identifier: Apache-2.0
// azure-iot-device, unmodified: messages that waited for it, and what a method call says of a device that does not listen.
import assert from 'node:assert/strict';
import { openClient } from '../support/client.mjs';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { until, within } from '../support/waiting.mjs';
import { provision } from '../support/wire.mjs';

const hub = Hub.shared();

const queue = async (id) => (await hub.json('device', 'message', 'list', '-n', id)).value.map((message) => message.messageId);
const send = (id, text, ...more) => hub.cli('device', 'message', 'send', '-n', id, '--message', text, '--message-id', text, ...more);

function listen(client) {
  const heard = [];
  client.on('message', (message) => {
    heard.push(message);
    client.complete(message, () => {});
  });
  return heard;
}

test('messages_wait_for_a_device_that_is_away_and_are_heard_once', async () => {
  const id = 'sdk-c2d-away';
  const identity = await provision(hub, id);
  await send(id, 'first', '--property', 'colour=dark red', '--ttl', '3600');
  await send(id, 'second');
  assert.deepEqual(await queue(id), ['first', 'second']);

  const client = await openClient(hub, identity);
  const heard = listen(client);
  assert.ok(await until(() => heard.length === 2));
  assert.deepEqual(heard.map((message) => message.getData().toString()), ['first', 'second']);
  assert.equal(heard[0].messageId, 'first');
  assert.equal(heard[0].to, `/devices/${id}/messages/devicebound`);
  assert.equal(heard[0].properties.getValue('colour'), 'dark red');
  await within(client.close(), 'closing');

  // It asks for a kept session: that it acknowledged is known once the session goes on.
  const again = await openClient(hub, identity);
  const late = listen(again);
  assert.ok(await until(async () => (await queue(id)).length === 0));
  await send(id, 'third');
  assert.ok(await until(() => late.length > 0));
  assert.deepEqual(late.map((message) => message.messageId), ['third']);
  await within(again.close(), 'closing');
});

test('expired_and_purged_messages_are_not_heard', async () => {
  const id = 'sdk-c2d-gone';
  const identity = await provision(hub, id);
  await send(id, 'purged');
  assert.deepEqual(await hub.json('device', 'message', 'purge', '-n', id), { deviceId: id, totalMessagesPurged: 1 });
  await send(id, 'brief', '--ttl', '1');
  assert.ok(await until(async () => (await queue(id)).length === 0));
  await send(id, 'kept');
  const client = await openClient(hub, identity);
  const heard = listen(client);
  assert.ok(await until(() => heard.length > 0));
  assert.deepEqual(heard.map((message) => message.messageId), ['kept']);
  await within(client.close(), 'closing');
});

test('method_of_a_connected_device_that_has_not_subscribed_is_404103', async () => {
  const id = 'sdk-deaf';
  const client = await openClient(hub, await provision(hub, id));
  const invoke = (...more) => hub.json('device', 'method', 'invoke', '-n', id, '--method-name', 'ping', ...more);
  await assert.rejects(invoke(), /404103.*not subscribed/);
  client.onDeviceMethod('ping', (request, response) => response.send(200));
  assert.equal((await invoke('--connect-timeout', '60')).status, 200);
  await within(client.close(), 'closing');
  await assert.rejects(invoke(), /404103.*to connect/);
});

test('method_that_a_subscribed_device_does_not_answer_is_504101', async () => {
  const id = 'sdk-mute';
  const client = await openClient(hub, await provision(hub, id));
  client.onDeviceMethod('ping', () => {}); // and no answer
  await assert.rejects(hub.json('device', 'method', 'invoke', '-n', id, '--method-name', 'ping', '--connect-timeout', '60', '--timeout', '5'), /504101/);
  await within(client.close(), 'closing');
});

test('message_to_a_device_that_does_not_exist_is_refused', async () => {
  await assert.rejects(send('sdk-nobody', 'x'), { exitStatus: 3 });
  await assert.rejects(hub.json('device', 'message', 'list', '-n', 'sdk-nobody'), { exitStatus: 3 });
});
