// SPDX-License-Identifier: Apache-2.0
// The error codes of renewal, as a device hears them. README.md lists them all, and says why some cannot be heard here.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { test } from '../support/ending.mjs';
import { Hub } from '../support/hub.mjs';
import { identityOf, newCsr, newKey } from '../support/identity.mjs';
import { Device, connectHub, dpsAnswers, dpsOptions, finish, issue, provision, renewalAnswers, roundTrip, token } from '../support/wire.mjs';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHmac } from 'node:crypto';

const hub = Hub.shared();
let asked = 0;

async function ask(device, body, rid = `code-${++asked}`) {
  await device.publish(issue(rid), typeof body === 'string' ? body : JSON.stringify(body));
  return device.answer(renewalAnswers, rid);
}
function check(answer, code) {
  assert.equal(answer.body?.errorCode, code, answer.text);
  assert.equal(answer.status, Math.floor(code / 1000));
  for (const name of ['message', 'trackingId', 'timestampUtc']) assert.equal(typeof answer.body[name], 'string');
  // A parser of one SDK refuses null.
  for (const value of Object.values(answer.body.info ?? {})) assert.notEqual(value, null);
}

describe('a connected device', () => {
  let device, id, csr;
  before(async () => {
    const identity = await provision(hub, 'codes');
    device = await connectHub(hub, identity);
    id = identity.id;
    csr = newCsr(newKey(), id);
  });
  after(() => device?.end());

  test('not_json_is_400006', async () => {
    for (const body of ['', 'csr', '{"id":', '{"id":"codes"} trailing']) check(await ask(device, body), 400006);
  });

  test('wrong_members_are_400004', async () => {
    const wrong = [
      { id: 'another', csr }, { csr }, { id }, { id, csr: '' }, { id, csr, replace: '' }, { id, csr, replace: 'a b' },
      { id, csr, unknown: 1 }, { id, csr: 5 }, { id: null, csr }, { id, csr: null }, [],
    ];
    for (const body of wrong) check(await ask(device, body), 400004);
  });

  test('request_id_against_the_rules_has_no_answer', async () => {
    for (const rid of ['abc', '-abcd', 'abcd-', 'a'.repeat(37)]) await device.publish(issue(rid), JSON.stringify({ id, csr }));
    await roundTrip(device);
    for (const packet of device.publishes()) assert.doesNotMatch(packet.topic, /rid=(abc|-abcd|abcd-|a{37})$/);
  });

  test('unreadable_csr_is_400040', async () => {
    for (const bad of ['AAAA', 'not base64!', Buffer.from('x'.repeat(300)).toString('base64'), 'A'.repeat(9000)]) {
      const answer = await ask(device, { id, csr: bad });
      check(answer, 400040);
      assert.equal(answer.body.info.credentialError, 'FailedToDecodeCsr');
    }
  });

  test('csr_for_another_name_is_400040', async () => {
    const answer = await ask(device, { id, csr: newCsr(newKey(), 'another') });
    check(answer, 400040);
  });

  test('replace_of_nothing_is_412001', async () => {
    check(await ask(device, { id, csr, replace: 'not-there' }), 412001);
  });

  test('replace_may_be_null', async () => {
    assert.equal((await ask(device, { id, csr, replace: null }, 'null-rid')).status, 202);
    assert.equal((await device.answer(renewalAnswers, 'null-rid')).status, 200);
  });

  test('too_many_requests_at_once_are_429002', async () => {
    // The hub process is held, so that nothing is answered meanwhile.
    process.kill(hub.pid, 'SIGSTOP');
    let refused;
    try {
      for (let n = 0; n < 40; ++n) device.client.publish(issue(`many-${n}`), '{}', { qos: 0 });
      refused = await device.message((topic) => topic.startsWith(`${renewalAnswers}429/`), 'a refusal');
    } finally {
      process.kill(hub.pid, 'SIGCONT');
    }
    check({ status: 429, ...refused }, 429002);
    assert.equal(typeof refused.body.retryAfter, 'number');
    await device.message((topic) => topic.startsWith(`${renewalAnswers}400/`), 'the answer to one that was taken');
  });
});

test('api_version_before_renewal_is_400001', async () => {
  const identity = await provision(hub, 'codes-old');
  const device = await connectHub(hub, identity, { version: '2021-04-12' });
  check(await ask(device, { id: identity.id, csr: newCsr(newKey(), identity.id) }), 400001);
  await device.end();
});

test('deleted_policy_is_403010', async () => {
  // A group and a policy of its own.
  await hub.cli('policy', 'create', '-n', 'codes-policy');
  await hub.cli('enrollment', 'create', '--group', '--id', 'codes-group', '--policy', 'codes-policy');
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const id = 'codes-member';
  let key;
  try {
    await hub.cli('enrollment', 'key', '--group', '--id', 'codes-group', '--out', join(folder, 'key'));
    const group = readFileSync(join(folder, 'key'), 'utf8').trim();
    key = createHmac('sha256', Buffer.from(group, 'base64')).update(id).digest('base64');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const own = newKey();
  const dps = await Device.connect(dpsOptions(hub, id, { password: token(hub, id, { key }) }));
  await dps.subscribe(`${dpsAnswers}#`);
  const answer = await finish(dps, JSON.stringify({ csr: newCsr(own, id) }));
  await dps.end();
  assert.equal(answer.body.status, 'assigned', answer.text);
  const device = await connectHub(hub, { id, ...identityOf(own, answer.body.registrationState.issuedCertificateChain) });
  await hub.cli('policy', 'delete', '-n', 'codes-policy', '-y');
  check(await ask(device, { id, csr: newCsr(newKey(), id) }), 403010);
  await device.end();
});
