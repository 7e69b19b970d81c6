// SPDX-License-Identifier: Apache-2.0
// The SDK through a revocation: it is cut, sees the refusal as its own error, and is back after provisioning again.
import assert from 'node:assert/strict';
import device from 'azure-iot-device';
import { openClient } from '../support/client.mjs';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { event, within } from '../support/waiting.mjs';
import { provision } from '../support/wire.mjs';

const hub = Hub.shared();
// By its name: the SDK's packages bring several copies of the class.
const unauthorized = { name: 'UnauthorizedError' };

// Rows: R-7-21
test('revoked_device_is_cut_refused_and_returns', async () => {
  const id = 'sdk-revoked';
  const identity = await provision(hub, id);
  const client = await openClient(hub, identity);
  await within(client.sendEvent(new device.Message('before')), 'PUBACK');
  const cut = event(client, 'disconnect');
  await hub.cli('device', 'revoke', '-n', id, '-y');
  await cut;

  await assert.rejects(openClient(hub, identity), unauthorized);

  const renewed = await openClient(hub, await provision(hub, id));
  await within(renewed.sendEvent(new device.Message('after')), 'PUBACK');
  await within(renewed.close(), 'closing');
});

// Rows: R-7-23
test('disabled_device_is_refused_until_it_is_enabled', async () => {
  const id = 'sdk-off';
  const identity = await provision(hub, id);
  const client = await openClient(hub, identity);
  const cut = event(client, 'disconnect');
  await hub.cli('device', 'update', '-n', id, '--enabled', 'false');
  await cut;
  await assert.rejects(openClient(hub, identity), unauthorized);
  await hub.cli('device', 'update', '-n', id, '--enabled', 'true');
  const back = await openClient(hub, identity);
  await within(back.close(), 'closing');
});

// Rows: R-7-21
test('two_devices_keep_apart_when_one_is_revoked', async () => {
  const [one, other] = await Promise.all([provision(hub, 'sdk-one'), provision(hub, 'sdk-other-one')]);
  const client = await openClient(hub, other);
  await hub.cli('device', 'revoke', '-n', one.id, '-y');
  await within(client.sendEvent(new device.Message('still here')), 'PUBACK');
  await assert.rejects(openClient(hub, one), unauthorized);
  await within(client.close(), 'closing');
});
