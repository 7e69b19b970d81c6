// SPDX-License-Identifier: Apache-2.0
// azure-iot-device, unmodified, as a device whose enrollment gave its twin what it begins with.
import assert from 'node:assert/strict';
import { openClient } from '../support/client.mjs';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { within } from '../support/waiting.mjs';
import { provision } from '../support/wire.mjs';

const hub = Hub.shared();
const initial = (tags, desired) => ['--initial-twin-tags', JSON.stringify(tags), '--initial-twin-properties', JSON.stringify(desired)];
const give = (...more) => hub.cli('enrollment', 'update', '--group', '--id', 'default', ...more);

// Rows: R-10-16
test('new_device_reads_the_twin_that_its_enrollment_gives', async () => {
  await give(...initial({ floor: 3 }, { rate: 5, led: { on: true } }));
  try {
    const identity = await provision(hub, 'sdk-born');
    const client = await openClient(hub, identity);
    const twin = await within(client.getTwin(), 'the twin');
    assert.equal(twin.properties.desired.rate, 5);
    assert.deepEqual(twin.properties.desired.led, { on: true });
    assert.equal(twin.properties.desired.$version, 1);
    const shown = await hub.json('device', 'twin', 'show', '-n', 'sdk-born');
    assert.deepEqual(shown.tags, { floor: 3 });
    assert.equal(shown.properties.desired.$metadata.led.on.$lastUpdatedVersion, 1);
    assert.match(shown.properties.desired.$metadata.$lastUpdated, /^\d{4}-\d\d-\d\dT/);
  } finally {
    await give(...initial({}, {}));
  }
  await provision(hub, 'sdk-plain');
  assert.deepEqual((await hub.json('device', 'twin', 'show', '-n', 'sdk-plain')).tags, {});
});

test('initial_twin_against_the_rules_is_refused_and_nothing_changes', async () => {
  const before = await hub.json('enrollment', 'show', '--group', '--id', 'default');
  await assert.rejects(give('--initial-twin-properties', '{"a.b": 1}'), { exitStatus: 2 });
  await assert.rejects(give('--initial-twin-tags', JSON.stringify({ much: 'x'.repeat(4_000), more: 'x'.repeat(4_000), most: 'x'.repeat(4_000) })), { exitStatus: 2 });
  await assert.rejects(give('--initial-twin-tags', '[]'), { exitStatus: 2 });
  assert.deepEqual(await hub.json('enrollment', 'show', '--group', '--id', 'default'), before);
});
