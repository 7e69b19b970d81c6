// SPDX-License-Identifier: Apache-2.0
// How renewal behaves when devices and links do: what was measured on the live preview, row by row.
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { test } from '../support/ending.mjs';
import { Hub, startHub } from '../support/hub.mjs';
import { identityOf, newCsr, newKey } from '../support/identity.mjs';
import { until } from '../support/waiting.mjs';
import { Device, connectHub, hubOptions, issue, provision, renewalAnswers, roundTrip } from '../support/wire.mjs';

const hub = Hub.shared();

async function prepared(id, where = hub) {
  const identity = await provision(where, id);
  const key = newKey();
  return { identity, key, body: JSON.stringify({ id, csr: newCsr(key, id) }), device: await connectHub(where, identity) };
}
const answersOf = (device) => device.publishes().filter((packet) => packet.topic.startsWith(renewalAnswers));

// Rows: R-10-25
test('renewed_certificate_connects_and_so_does_the_old_one', async () => {
  const { identity, key, body, device } = await prepared('behave-1');
  await device.publish(issue('rid-1'), body);
  const accepted = await device.answer(renewalAnswers, 'rid-1');
  const done = await device.answer(renewalAnswers, 'rid-1');
  assert.deepEqual([accepted.status, done.status], [202, 200]);
  assert.equal(done.body.correlationId, accepted.body.correlationId);
  assert.ok(Date.parse(accepted.body.operationExpires) > Date.now() + 3_600_000);
  assert.equal(done.body.certificates.length, 3);
  assert.equal((await roundTrip(device)).status, 200); // the session goes on
  await device.end();
  for (const shown of [{ id: identity.id, ...identityOf(key, done.body.certificates) }, identity]) {
    const again = await Device.connect(hubOptions(hub, shown));
    await again.end();
  }
});

test('request_without_a_request_id_has_no_answer', async () => {
  const { body, device } = await prepared('behave-2');
  await device.publish('$iothub/credentials/POST/issueCertificate/?', body);
  await roundTrip(device);
  assert.equal(answersOf(device).length, 0);
  await device.end();
});

test('who_has_not_subscribed_hears_nothing', async () => {
  const { body, device } = await prepared('behave-3');
  await device.unsubscribe(`${renewalAnswers}#`);
  await device.publish(issue('rid-3'), body);
  await roundTrip(device);
  assert.equal(answersOf(device).length, 0);
  await device.end();
});

test('two_requests_together_are_never_two_answers_to_one', async () => {
  const { body, device } = await prepared('behave-4');
  await Promise.all([device.publish(issue('rid-4a'), body), device.publish(issue('rid-4b'), body)]);
  const first = [await device.answer(renewalAnswers, 'rid-4a'), await device.answer(renewalAnswers, 'rid-4b')];
  assert.ok(first.some((answer) => answer.status === 202));
  const correlations = [];
  for (const [i, answer] of first.entries()) {
    if (answer.status === 202) {
      const done = await device.answer(renewalAnswers, i === 0 ? 'rid-4a' : 'rid-4b');
      assert.equal(done.status, 200);
      correlations.push(done.body.correlationId);
      continue;
    }
    assert.equal(answer.body.errorCode, 409005, answer.text);
    assert.equal(answer.body.info.requestId, i === 0 ? 'rid-4b' : 'rid-4a');
    assert.ok(answer.body.info.operationExpires);
  }
  assert.equal(new Set(correlations).size, correlations.length);
  await roundTrip(device);
  assert.equal(answersOf(device).length, 2 + correlations.length);
  await device.end();
});

test('replacing_whatever_runs_is_answered_for_the_newer_one', async () => {
  const { identity, body, device } = await prepared('behave-5');
  const newer = JSON.stringify({ id: identity.id, csr: newCsr(newKey(), identity.id), replace: '*' });
  await Promise.all([device.publish(issue('rid-5a'), body), device.publish(issue('rid-5b'), newer)]);
  assert.equal((await device.answer(renewalAnswers, 'rid-5b')).status, 202);
  assert.equal((await device.answer(renewalAnswers, 'rid-5b')).status, 200);
  await device.end();
});

test('answer_outlives_unsubscribing', async () => {
  const { body, device } = await prepared('behave-6');
  await device.publish(issue('rid-6'), body);
  assert.equal((await device.answer(renewalAnswers, 'rid-6')).status, 202);
  await device.unsubscribe(`${renewalAnswers}#`);
  await device.subscribe(`${renewalAnswers}#`);
  // Before it unsubscribed, or now; a device that missed it asks again.
  if (!device.find((topic) => topic === `${renewalAnswers}200/?$rid=rid-6`)) await device.publish(issue('rid-6'), body);
  const done = await device.message((topic) => topic === `${renewalAnswers}200/?$rid=rid-6`, 'the certificate');
  assert.equal(done.body.certificates.length, 3);
  await device.end();
});

for (const clean of [true, false]) {
  test(`answer_outlives_the_connection_with_a_${clean ? 'clean' : 'kept'}_session`, async () => {
    const id = clean ? 'behave-7' : 'behave-8';
    const identity = await provision(hub, id);
    const device = await connectHub(hub, identity, { mqtt: { clean } });
    await device.publish(issue('rid-7'), JSON.stringify({ id, csr: newCsr(newKey(), id) }));
    const accepted = await device.answer(renewalAnswers, 'rid-7');
    assert.equal(accepted.status, 202);
    await device.drop();
    const again = await connectHub(hub, identity, { mqtt: { clean } });
    assert.equal(again.sessionPresent, !clean);
    const early = device.find((topic) => topic === `${renewalAnswers}200/?$rid=rid-7`);
    const body = early ? JSON.parse(early.payload) : (await again.message((topic) => topic === `${renewalAnswers}200/?$rid=rid-7`, 'the certificate')).body;
    assert.equal(body.correlationId, accepted.body.correlationId);
    await again.end();
  });
}

test('same_request_again_is_the_same_operation', async () => {
  const { identity, body, device } = await prepared('behave-9');
  const got = [];
  let connection = device;
  for (let turn = 0; turn < 3; ++turn) {
    await connection.publish(issue('rid-9'), body);
    const accepted = await connection.message((topic) => topic === `${renewalAnswers}202/?$rid=rid-9`, '202');
    const done = await connection.message((topic) => topic === `${renewalAnswers}200/?$rid=rid-9`, '200');
    got.push([accepted.body.correlationId, done.body.certificates[0]]);
    if (turn > 0) continue;
    await connection.drop(); // as after a loss before the 202
    connection = await connectHub(hub, identity);
  }
  assert.deepEqual(got[1], got[0]);
  assert.deepEqual(got[2], got[0]);
  await connection.end();
});

test('same_request_id_with_another_csr_is_another_operation_afterwards', async () => {
  const { identity, body, device } = await prepared('behave-10');
  const other = JSON.stringify({ id: identity.id, csr: newCsr(newKey(), identity.id) });
  const got = [];
  for (const one of [body, other]) {
    await device.publish(issue('rid-10'), one);
    assert.equal((await device.answer(renewalAnswers, 'rid-10')).status, 202);
    got.push((await device.answer(renewalAnswers, 'rid-10')).body);
  }
  assert.notEqual(got[0].correlationId, got[1].correlationId);
  assert.notEqual(got[0].certificates[0], got[1].certificates[0]);
  await device.end();
});

test('expired_operation_is_forgotten', async () => {
  const own = await startHub(); // whose clock may move
  try {
    const { body, device } = await prepared('behave-11', own.hub);
    const ask = async () => {
      await device.publish(issue('rid-11'), body);
      assert.equal((await device.answer(renewalAnswers, 'rid-11')).status, 202);
      return (await device.answer(renewalAnswers, 'rid-11')).body.certificates[0];
    };
    const first = await ask();
    writeFileSync(`${own.clock}.new`, '{"offset": 46800, "rate": 1.0}'); // 13 hours
    renameSync(`${own.clock}.new`, own.clock);
    assert.ok(await until(async () => Date.parse((await own.hub.json('status')).clock) > Date.now() + 40_000_000));
    assert.notEqual(await ask(), first);
    await device.end();
  } finally {
    await own.stop();
  }
});
