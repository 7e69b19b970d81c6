// SPDX-License-Identifier: Apache-2.0
// azure-iot-device over azure-iot-device-mqtt, unmodified, with a certificate that the hub issued: everything that a
// device does, and what it hears.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import device from 'azure-iot-device';
import { openClient } from '../support/client.mjs';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { event, until, within } from '../support/waiting.mjs';
import { provision } from '../support/wire.mjs';

const hub = Hub.shared();

const twinOf = (id) => hub.json('device', 'twin', 'show', '-n', id);
const desire = (id, desired, ...more) => hub.cli('device', 'twin', 'update', '-n', id, '--desired', JSON.stringify(desired), ...more);
const invoke = (id, method, ...more) => hub.json('device', 'method', 'invoke', '-n', id, '--method-name', method, '--connect-timeout', '60', ...more);
const report = (twin, patch) => new Promise((resolve, reject) => twin.properties.reported.update(patch, (error) => error ? reject(error) : resolve()));

describe('a device with an issued certificate', () => {
  const id = 'sdk-device';
  let client;
  before(async () => {
    client = await openClient(hub, await provision(hub, id));
  });
  after(() => client?.close());

  test('sends_telemetry_with_properties', async () => {
    const message = new device.Message(JSON.stringify({ temperature: 21.5 }));
    message.messageId = 'm-1';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('alert', 'a value with & and =');
    await within(client.sendEvent(message), 'PUBACK');
    await assert.doesNotReject(within(client.sendEvent(new device.Message('x'.repeat(200_000))), 'PUBACK'));
  });

  test('hears_a_cloud_to_device_message_with_its_properties', async () => {
    const heard = event(client, 'message');
    await hub.cli('device', 'send', '-n', id, '--message', 'hello', '--property', 'colour=dark red'); // waits until the SDK has subscribed
    const [message] = await heard;
    assert.equal(message.getData().toString(), 'hello');
    assert.equal(message.properties.getValue('colour'), 'dark red');
  });

  test('answers_a_direct_method', async () => {
    client.onDeviceMethod('reboot', (request, response) => {
      response.send(207, { asked: request.payload, id: request.requestId.length > 0 });
    });
    const answer = await invoke(id, 'reboot', '--payload', '{"delay": [1, null, "drei"]}');
    assert.deepEqual(answer, { status: 207, payload: { asked: { delay: [1, null, 'drei'] }, id: true } });
  });

  test('answers_a_direct_method_without_a_payload', async () => {
    client.onDeviceMethod('ping', (request, response) => response.send(200));
    assert.deepEqual(await invoke(id, 'ping'), { status: 200, payload: null });
  });

  test('hears_desired_properties_and_reports', async () => {
    await desire(id, { rate: 5, led: { colour: 'red', on: true } });
    const twin = await within(client.getTwin(), 'the twin');
    assert.equal(twin.properties.desired.rate, 5);
    assert.deepEqual(twin.properties.desired.led, { colour: 'red', on: true });

    const heard = []; // as they came: the SDK goes on changing the first, which is its own copy of all
    twin.on('properties.desired', (patch) => heard.push(structuredClone(patch)));
    // Subscribing follows the listener: what is desired before it is done comes with the next twin, not as a patch.
    const version = twin.properties.desired.$version;
    let rate = 5;
    assert.ok(await until(async () => {
      if (heard.some((patch) => patch.rate > 5)) return true;
      await desire(id, { rate: ++rate });
      return false;
    }));
    await desire(id, { led: { on: null }, rate: 100 });
    assert.ok(await until(() => heard.some((patch) => patch.rate === 100)));
    const last = heard.find((patch) => patch.rate === 100);
    assert.deepEqual(last.led, { on: null });
    assert.ok(last.$version > version);
    assert.equal(twin.properties.desired.rate, 100);
    assert.deepEqual(twin.properties.desired.led, { colour: 'red' });

    await within(report(twin, { rate: 100, battery: { level: 80, charging: false } }), 'the report');
    await within(report(twin, { battery: { charging: null } }), 'the second report');
    const shown = await twinOf(id);
    assert.equal(shown.connectionState, 'Connected');
    assert.deepEqual(shown.properties.desired.led, { colour: 'red' });
    assert.equal(shown.properties.reported.rate, 100);
    assert.deepEqual(shown.properties.reported.battery, { level: 80 });
    assert.equal(shown.properties.reported.$version, 3);
    assert.match(shown.properties.reported.$metadata.battery.level.$lastUpdated, /^\d{4}-\d\d-\d\dT/);
    twin.removeAllListeners('properties.desired');
  });

  test('is_refused_a_report_against_the_rules', async () => {
    const twin = await within(client.getTwin(), 'the twin');
    const before = (await twinOf(id)).properties.reported;
    await assert.rejects(within(report(twin, { 'a.b': 1 }), 'the refusal'), /a\.b/);
    await assert.rejects(within(report(twin, { much: 'x'.repeat(5_000) }), 'the refusal'), /4 KB/);
    assert.deepEqual((await twinOf(id)).properties.reported, before);
  });
});

test('method_of_a_device_that_is_not_there_is_refused', async () => {
  await assert.rejects(hub.json('device', 'method', 'invoke', '-n', 'sdk-nobody', '--method-name', 'x'), { exitStatus: 3 });
  await hub.cli('device', 'create', '-n', 'sdk-away');
  await assert.rejects(hub.json('device', 'method', 'invoke', '-n', 'sdk-away', '--method-name', 'x'), /404103/);
});
