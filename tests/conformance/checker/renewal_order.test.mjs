// SPDX-License-Identifier: Apache-2.0
// Renewal while a certificate is being made, in one order and no other: the 200 waits until every hub of the namespace has
// taken in what came before it, and here one hub takes in nothing until it is let go. What was measured on the live
// preview, row by row.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { test } from '../support/ending.mjs';
import { startHub } from '../support/hub.mjs';
import { newCsr, newKey } from '../support/identity.mjs';
import { until } from '../support/waiting.mjs';
import { connectHub, issue, provision, renewalAnswers, roundTrip } from '../support/wire.mjs';

const answersOf = (device) => device.publishes().filter((packet) => packet.topic.startsWith(renewalAnswers)).map((packet) => packet.topic);
const topic = (status, rid) => `${renewalAnswers}${status}/?$rid=${rid}`;

describe('while a certificate is being made', () => {
  let own, made = 0;
  before(async () => {
    own = await startHub(['--confirm-timeout-ms', '600000']); // the hub that stands still is not to be given up
    await own.hub.cli('hub', 'create', '-n', 'second', '--listen', '127.0.0.3:0');
  });
  after(() => own?.stop());

  // A device at its hub, while the other hub stands still; `work(device, body)`, where `go()` lets that hub go on.
  async function held(id, work, mqtt = { clean: true }) {
    const identity = await provision(own.hub, id);
    const at = Object.assign(Object.create(own.hub), { address: identity.hub });
    const device = await connectHub(at, identity, { mqtt });
    const { gates } = await own.hub.json('status');
    const other = gates.find((gate) => gate.endpoint !== 'dps' && gate.address !== identity.hub);
    assert.ok(other.brokerPid > 1); // anything less names whole groups of processes
    process.kill(other.brokerPid, 'SIGSTOP');
    let stopped = true;
    const go = () => { if (stopped) process.kill(other.brokerPid, 'SIGCONT'); stopped = false; };
    let change;
    try {
      // Something that it has to take in; the act is answered when it has.
      const name = `order-${++made}`;
      change = own.hub.cli('device', 'create', '-n', name);
      assert.ok(await until(() => own.hub.cli('device', 'show', '-n', name).then(() => true, () => false)));
      const body = (more = {}) => JSON.stringify({ id, csr: newCsr(newKey(), id), ...more });
      await work({ device, identity, at, body, go });
    } finally {
      go();
      await change;
    }
    device.client.end(true);
  }
  const accepted = async (device, rid, body) => {
    await device.publish(issue(rid), body);
    const answer = await device.answer(renewalAnswers, rid);
    assert.equal(answer.status, 202, answer.text);
    return answer.body;
  };
  const refused = async (device, rid, body, running) => {
    await device.publish(issue(rid), body);
    const answer = await device.answer(renewalAnswers, rid);
    assert.equal(answer.body.errorCode, 409005, answer.text);
    assert.equal(answer.body.info.requestId, running);
    assert.ok(answer.body.info.operationExpires);
  };
  const issued = async (device, rid) => {
    const answer = await device.answer(renewalAnswers, rid);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.certificates.length, 3);
    return answer.body;
  };

  test('another_request_is_409005_and_names_the_one_that_runs', () => held('order-a', async ({ device, body, go }) => {
    const first = await accepted(device, 'rid-1', body());
    await refused(device, 'rid-2', body(), 'rid-1');
    go();
    assert.equal((await issued(device, 'rid-1')).correlationId, first.correlationId);
    await accepted(device, 'rid-2', body());
    await issued(device, 'rid-2');
  }));

  test('same_request_id_with_another_csr_is_409005', () => held('order-b', async ({ device, body, go }) => {
    await accepted(device, 'rid-1', body());
    await refused(device, 'rid-1', body(), 'rid-1');
    go();
    await issued(device, 'rid-1');
  }));

  test('same_request_again_is_the_same_operation_with_one_certificate', () => held('order-c', async ({ device, body, go }) => {
    const request = body();
    const first = await accepted(device, 'rid-1', request);
    assert.equal((await accepted(device, 'rid-1', request)).correlationId, first.correlationId);
    go();
    assert.equal((await issued(device, 'rid-1')).correlationId, first.correlationId);
    await roundTrip(device);
    assert.equal(answersOf(device).filter((one) => one === topic(200, 'rid-1')).length, 1);
  }));

  for (const [name, replace] of [['whatever_runs', '*'], ['what_is_named', 'rid-1']]) {
    test(`replacing_${name}_gives_the_earlier_up`, () => held(`order-${name.replaceAll('_', '-')}`, async ({ device, body, go }) => {
      await accepted(device, 'rid-1', body());
      const newer = await accepted(device, 'rid-2', body({ replace }));
      go();
      assert.equal((await issued(device, 'rid-2')).correlationId, newer.correlationId);
      await roundTrip(device);
      assert.ok(!answersOf(device).includes(topic(200, 'rid-1')), 'its 200 never comes');
    }));
  }

  test('replacing_another_than_what_runs_is_412001', () => held('order-e', async ({ device, body, go }) => {
    await accepted(device, 'rid-1', body());
    await device.publish(issue('rid-2'), body({ replace: 'rid-9' }));
    assert.equal((await device.answer(renewalAnswers, 'rid-2')).body.errorCode, 412001);
    go();
    await issued(device, 'rid-1');
  }));

  test('answer_waits_for_who_unsubscribed_until_it_subscribes_again', () => held('order-f', async ({ device, body, go }) => {
    await accepted(device, 'rid-1', body());
    await device.unsubscribe(`${renewalAnswers}#`);
    go();
    await roundTrip(device);
    assert.ok(!answersOf(device).includes(topic(200, 'rid-1')));
    await device.subscribe(`${renewalAnswers}#`);
    await issued(device, 'rid-1');
  }));

  for (const clean of [true, false]) {
    test(`answer_goes_to_the_next_connection_with_a_${clean ? 'clean' : 'kept'}_session`, () => held(`order-g-${clean}`, async ({ device, identity, at, body, go }) => {
      const first = await accepted(device, 'rid-1', body());
      await device.drop();
      const again = await connectHub(at, identity, { mqtt: { clean } });
      assert.equal(again.sessionPresent, !clean);
      assert.deepEqual(answersOf(again), []);
      go();
      assert.equal((await issued(again, 'rid-1')).correlationId, first.correlationId);
      await again.end();
    }, { clean }));
  }
});
