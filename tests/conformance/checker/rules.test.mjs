// SPDX-License-Identifier: Apache-2.0
// The rules that decide whether an unmodified client works, each on the wire. README.md has the list.
import assert from 'node:assert/strict';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { certificateText, newCsr, newKey, verify } from '../support/identity.mjs';
import { event } from '../support/waiting.mjs';
import {
  Device, connectHub, dpsAnswers, dpsOptions, dpsVersion, finish, hubOptions, issue, poll, provision, register, renewalAnswers,
  roundTrip, token,
} from '../support/wire.mjs';

const hub = Hub.shared();
const filter = `${dpsAnswers}#`;

async function dps(id, options) {
  const device = await Device.connect(dpsOptions(hub, id, options));
  await device.subscribe(filter);
  return device;
}
const rejectedWith = (code) => (error) => {
  assert.equal(error.code, code, error.message);
  return true;
};

// --- rule 1

test('every_answer_of_dps_has_a_json_body', async () => {
  const device = await dps('rule-1');
  const asked = [
    [register('a'), JSON.stringify({ registrationId: 'rule-1' }), 202],
    [register('b'), 'this is not JSON', 400],
    [register('c'), JSON.stringify({ registrationId: 'another' }), 400],
    [register('d'), JSON.stringify({ csr: '-----BEGIN CERTIFICATE REQUEST-----' }), 400],
    [poll('e', 'no-such-operation'), ' ', 404],
  ];
  for (const [topic, body, status] of asked) {
    const rid = /\$rid=(\w+)/.exec(topic)[1];
    await device.publish(topic, body);
    const answer = await device.answer(dpsAnswers, rid);
    assert.equal(answer.status, status, answer.text);
    assert.equal(typeof answer.body, 'object', answer.text);
    if (status >= 300) {
      assert.equal(Math.floor(answer.body.errorCode / 1000), status);
      for (const name of ['trackingId', 'message', 'timestampUtc']) assert.equal(typeof answer.body[name], 'string');
    }
  }
  await device.end();
});

test('wrong_token_is_let_in_and_told_401_with_a_body', async () => {
  const device = await dps('rule-1b', { password: token(hub, 'rule-1b', { key: hub.deviceKey('somebody') }) });
  await device.publish(register('1'), '');
  const answer = await device.answer(dpsAnswers, '1');
  assert.equal(answer.status, 401);
  assert.equal(Math.floor(answer.body.errorCode / 1000), 401);
  await device.end();
});

test('every_answer_of_renewal_has_a_json_body', async () => {
  const identity = await provision(hub, 'rule-1c');
  const device = await connectHub(hub, identity);
  for (const [rid, body] of [['good-one', { id: identity.id, csr: newCsr(newKey(), identity.id) }], ['bad-one', { id: 'x' }]]) {
    await device.publish(issue(rid), JSON.stringify(body));
    const answer = await device.answer(renewalAnswers, rid);
    assert.equal(typeof answer.body, 'object', answer.text);
    if (answer.status === 202) assert.equal((await device.answer(renewalAnswers, rid)).status, 200);
  }
  await device.end();
});

// --- rules 2 and 3

test('answers_of_dps_come_at_qos_1_behind_suback_and_puback', async () => {
  for (const qos of [0, 1]) {
    const device = await Device.connect(dpsOptions(hub, 'rule-2'));
    // In one go: a client that waits for nothing.
    const done = Promise.all([device.subscribe(filter), device.publish(register('1'), '', qos)]);
    const answer = await device.answer(dpsAnswers, '1');
    await done;
    assert.equal(answer.packet.qos, 1);
    assert.ok(answer.packet.messageId > 0);
    const order = device.packets.map((packet) => packet.cmd);
    assert.deepEqual(order, qos === 1 ? ['connack', 'suback', 'puback', 'publish'] : ['connack', 'suback', 'publish']);
    await device.end();
  }
});

test('qos_of_an_answer_is_capped_by_the_granted_one', async () => {
  const device = await Device.connect(dpsOptions(hub, 'rule-2b'));
  assert.equal(await device.subscribe(filter, 0), 0);
  await device.publish(register('1'), '');
  assert.equal((await device.answer(dpsAnswers, '1')).packet.qos, 0);
  await device.end();
});

test('subscribing_at_qos_2_is_granted_1', async () => {
  const device = await Device.connect(dpsOptions(hub, 'rule-2c'));
  assert.equal(await device.subscribe(filter, 2), 1);
  await device.end();
});

// --- rule 4

test('dps_never_has_a_session', async () => {
  for (let turn = 0; turn < 3; ++turn) {
    const device = await dps('rule-4');
    assert.equal(device.sessionPresent, false);
    await device.end();
  }
});

// --- rule 5

test('equal_request_ids_of_two_devices_are_kept_apart', async () => {
  const ids = ['rule-5a', 'rule-5b'];
  const devices = await Promise.all(ids.map((id) => dps(id)));
  await Promise.all(devices.map((device) => device.publish(register('1'), '')));
  const answers = await Promise.all(devices.map((device) => device.answer(dpsAnswers, '1')));
  assert.notEqual(answers[0].body.operationId, answers[1].body.operationId);
  for (const [i, device] of devices.entries()) {
    const ended = await finish(device, '');
    assert.equal(ended.body.registrationState.registrationId, ids[i]);
    const own = device.publishes().filter((packet) => /\$rid=1(&|$)/.test(packet.topic));
    assert.equal(own.length, 1);
    await device.end();
  }
});

test('request_id_comes_back_unchanged_as_the_first_parameter', async () => {
  const device = await dps('rule-5c');
  for (const rid of ['1', '0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f', 'UPPER_lower.1']) {
    await device.publish(register(rid), '');
    const answer = await device.message((topic) => topic.includes(`?$rid=${rid}`), `answer to ${rid}`);
    assert.match(answer.topic, /^\$dps\/registrations\/res\/202\/\?\$rid=[^&]+&retry-after=\d+$/);
  }
  await device.end();
});

// --- rule 6

test('renewal_answers_end_behind_the_request_id', async () => {
  const identity = await provision(hub, 'rule-6');
  const device = await connectHub(hub, identity);
  await device.publish(issue('rid-6'), JSON.stringify({ id: identity.id, csr: newCsr(newKey(), identity.id) }));
  for (const status of [202, 200]) {
    const answer = await device.answer(renewalAnswers, 'rid-6');
    assert.equal(answer.topic, `$iothub/credentials/res/${status}/?$rid=rid-6`);
    assert.equal(answer.topic.split('/').length, 5);
  }
  await device.end();
});

// --- rule 7

test('whoever_may_not_connect_is_refused_inside_mqtt', async () => {
  const [revoked, disabled, unknown, stranger] = await Promise.all(
    ['rule-7a', 'rule-7b', 'rule-7c', 'rule-7d'].map((id) => provision(hub, id)));
  await hub.cli('device', 'revoke', '-n', revoked.id, '-y');
  await hub.cli('device', 'update', '-n', disabled.id, '--enabled', 'false');
  await hub.cli('device', 'delete', '-n', unknown.id, '-y');
  for (const identity of [revoked, disabled, unknown]) {
    await assert.rejects(Device.connect(hubOptions(hub, identity)), rejectedWith(5));
  }
  await assert.rejects(Device.connect(hubOptions(hub, { ...stranger, id: 'rule-7e' })), rejectedWith(5));
  await assert.rejects(Device.connect({ ...hubOptions(hub, stranger), cert: undefined, key: undefined }), rejectedWith(5));
});

// --- rule 8

// Rows: R-9-20
test('stock_openssl_takes_the_chain_as_it_is', async () => {
  const { chain } = await provision(hub, 'rule-8');
  assert.equal(chain.length, 3);
  assert.match(verify(chain), /OK/);
  // Every extension that is critical is one that X.509 itself defines.
  const critical = [...certificateText(chain[0]).matchAll(/^\s+(.*): critical$/gm)].map((match) => match[1]).sort();
  assert.deepEqual(critical, ['X509v3 Basic Constraints', 'X509v3 Key Usage']);
});

// --- rule 9

test('provisioning_does_not_displace_the_hub_session_of_the_same_device', async () => {
  const identity = await provision(hub, 'rule-9');
  const device = await connectHub(hub, identity);
  const again = await provision(hub, 'rule-9');
  assert.equal((await roundTrip(device)).status, 200);
  assert.notEqual(again.chain[0], identity.chain[0]);
  await device.end();
});

test('second_connection_of_a_device_displaces_the_first', async () => {
  const identity = await provision(hub, 'rule-9b');
  const first = await connectHub(hub, identity);
  const second = await connectHub(hub, identity);
  await first.closed;
  assert.equal((await roundTrip(second)).status, 200);
  await second.end();
});

// --- rule 10

test('optional_and_unknown_members_and_client_versions_do_not_matter', async () => {
  const bodies = ['', ' ', '{}', '{"payload":{"a":1},"csr":null}', '{"registrationId":"RULE-10","colour":"red","tpm":{}}'];
  for (const [i, body] of bodies.entries()) {
    const more = `&ClientVersion=${encodeURIComponent(`odd client/${i} (=&?#)`)}`;
    const device = await dps('rule-10', { more, version: i % 2 ? '2019-03-31' : dpsVersion });
    await device.publish(register('1'), body);
    const answer = await device.answer(dpsAnswers, '1');
    assert.equal(answer.status, 202, `${body}: ${answer.text}`);
    await device.end();
  }
});

test('resource_of_a_token_may_be_encoded_or_raw', async () => {
  for (const encoded of [true, false]) {
    const device = await dps('rule-10b', { password: token(hub, 'rule-10b', { encoded }) });
    await device.publish(register('1'), '');
    assert.equal((await device.answer(dpsAnswers, '1')).status, 202);
    await device.end();
  }
});

test('hub_takes_any_client_type', async () => {
  const identity = await provision(hub, 'rule-10c');
  const options = hubOptions(hub, identity);
  options.username += '&DeviceClientType=some%20client%2F1.0&model-id=dtmi%3Acom%3Aexample%3BPump%3B1';
  const device = await Device.connect(options);
  await device.end();
});

test('publishing_at_qos_2_ends_the_connection', async () => {
  const identity = await provision(hub, 'rule-11');
  const device = await connectHub(hub, identity);
  const closed = event(device.client, 'close');
  device.client.publish(`devices/${identity.id}/messages/events/`, 'x', { qos: 2 }, () => {});
  await closed;
});
