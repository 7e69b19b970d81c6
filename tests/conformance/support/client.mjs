// SPDX-License-Identifier: Apache-2.0
// The SDK's device client, as an application makes one that has a certificate.
import common from 'azure-iot-common';
import device from 'azure-iot-device';
import transport from 'azure-iot-device-mqtt';
import { endWithTest } from './ending.mjs';
import { within } from './waiting.mjs';

export async function openClient(hub, identity) {
  const client = device.Client.fromConnectionString(`HostName=${identity.hub};DeviceId=${identity.id};x509=true`, transport.Mqtt);
  endWithTest(() => within(client.close(), 'closing', 5_000));
  client.on('error', () => {}); // errors that belong to no call; what matters is seen by the calls
  await client.setOptions({ cert: identity.cert, key: identity.key, ca: hub.caFile });
  client.setRetryPolicy(new common.NoRetry()); // so that a refusal is seen, and a cut stays one
  await within(client.open(), 'connecting');
  return client;
}
