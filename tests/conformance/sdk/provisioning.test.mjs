// SPDX-License-Identifier: Apache-2.0
// azure-iot-provisioning-device, unmodified: who gets in, who is refused, and with which of the SDK's own errors.
import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import provisioning from 'azure-iot-provisioning-device';
import transport from 'azure-iot-provisioning-device-mqtt';
import symmetric from 'azure-iot-security-symmetric-key';
import x509 from 'azure-iot-security-x509';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { selfSigned } from '../support/identity.mjs';
import { within } from '../support/waiting.mjs';

const hub = Hub.shared();
// By its name: the SDK's packages bring several copies of the class.
const unauthorized = { name: 'UnauthorizedError' };

function client(security) {
  return provisioning.ProvisioningDeviceClient.create(hub.dps, hub.idScope, new transport.Mqtt(), security);
}
const register = (security) => within(client(security).register(), 'registering');
const withKey = (id, key = hub.deviceKey(id)) => register(new symmetric.SymmetricKeySecurityClient(id, key));
const withCertificate = (id, identity) => register(new x509.X509Security(id, identity));

async function enrollCertificate(id, cert) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  try {
    writeFileSync(join(folder, 'cert.pem'), cert);
    await hub.cli('enrollment', 'create', '--id', id, '--attestation', 'x509', '--certificate', join(folder, 'cert.pem'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('derived_symmetric_key_is_assigned_to_the_hub', async () => {
  const result = await withKey('sdk-key');
  assert.equal(result.status, 'assigned');
  assert.equal(result.assignedHub, hub.address);
  assert.equal(result.deviceId, 'sdk-key');
  assert.equal(result.substatus, 'initialAssignment');
});

test('enrolled_certificate_is_assigned_to_the_hub', async () => {
  const identity = selfSigned('sdk-x509');
  await enrollCertificate('sdk-x509', identity.cert);
  const result = await withCertificate('sdk-x509', identity);
  assert.equal(result.status, 'assigned');
  assert.equal(result.assignedHub, hub.address);
  assert.equal(result.deviceId, 'sdk-x509');
});

test('registering_again_keeps_device_and_hub', async () => {
  const first = await withKey('sdk-again');
  const second = await withKey('sdk-again');
  assert.equal(second.assignedHub, first.assignedHub);
  assert.equal(second.deviceId, first.deviceId);
  assert.equal(second.createdDateTimeUtc, first.createdDateTimeUtc);
});

test('key_of_another_device_is_unauthorized', async () => {
  await assert.rejects(withKey('sdk-thief', hub.deviceKey('sdk-victim')), unauthorized);
});

test('certificate_that_nobody_enrolled_is_unauthorized', async () => {
  await enrollCertificate('sdk-other', selfSigned('sdk-other').cert);
  await assert.rejects(withCertificate('sdk-other', selfSigned('sdk-other')), unauthorized);
});

test('disabled_enrollment_assigns_nobody', async () => {
  const identity = selfSigned('sdk-disabled');
  await enrollCertificate('sdk-disabled', identity.cert);
  await hub.cli('enrollment', 'update', '--id', 'sdk-disabled', '--status', 'disabled');
  // The SDK does not know this status, and ends with an error of its own making.
  await assert.rejects(withCertificate('sdk-disabled', identity));
});
