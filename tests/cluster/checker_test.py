# SPDX-License-Identifier: Apache-2.0
"""checker_test.py: histories of a system that keeps its word pass, and with one violation planted each rule finds its.

The system is made up and perfect: one registry, nodes that lag behind it as far as they may, answers that get lost,
clients that overlap. Its seeds are fixed, so that a failure comes again.
"""
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import audit_chain
import checker
import history
import nemesis
from history import OK, REFUSED, UNKNOWN, Record, Recorder

SECOND = 1_000_000
PROMISE = {"stale_us": 8 * SECOND, "outlive_us": SECOND, "twins_us": 12 * SECOND}


class World:
    """A registry and nodes without a fault, and what clients write down about them. One act at a time per device."""

    def __init__(self, seed, devices=6, acts=120):
        self.dice, self.records, self.audit, self.now = random.Random(seed), [], [], 0
        self.serials = self.sessions = 0
        self.add("run", seed=seed, promise=dict(PROMISE), audit=True, start=0, end=0)
        self.devices = {f"device:d-{number}": None for number in range(devices)}
        self.wallets = {on: [] for on in self.devices}  # certificates of a device, newest last
        self.issuer = "ica-1"
        self.act("policy.create", "policy:line")
        for on in self.devices:
            self.provision(on)
        for _ in range(acts):
            self.step()
        self.fault("kill", 5 * SECOND)
        self.fault("cut", 20 * SECOND, severs="n2")
        for on in self.devices:
            self.read(on, final=True)
        self.read("policy:line", final=True, exists=True)
        names = [on.split(":")[1] for on, device in self.devices.items() if device]
        self.add("list", of="devices", ids=names, uuids=[d["uuid"] for d in self.devices.values() if d], start=self.now,
                 end=self.now)
        for record in self.audit:
            self.add("audit", record=record)

    def add(self, kind, **members):
        self.records.append(Record("made-up", len(self.records) + 1, {"k": kind, **members}))
        return self.records[-1]

    def span(self, longest=300_000):
        start = self.now + self.dice.randint(1, 50_000)
        self.now = start + self.dice.randint(1, longest)
        return {"start": start, "end": self.now}

    def token(self):
        return f"{self.dice.getrandbits(128):032x}"

    def audited(self, act, on):
        action, resource, _ = audit_chain.AUDITED[act]
        record = {"number": len(self.audit) + 1, "atMs": self.now // 1000, "actor": "a", "source": "s", "detail": "",
                  "action": action, "resource": resource.format(on.split(":")[1]), "outcome": "ok", "before": "",
                  "after": "", "previousHash": self.audit[-1]["hash"] if self.audit else "0" * 64}
        record["hash"] = audit_chain.digest(record)
        self.audit.append(record)

    def act(self, act, on, change=lambda: None, **more):
        """One act in three loses its answer, half of these before it was done."""
        span = self.span()
        answered = self.dice.random() < 0.7
        if answered or self.dice.random() < 0.5:
            change()
            self.audited(act, on)
        return self.add("op", act=act, on=on, outcome=OK if answered else UNKNOWN, **span, **more)

    def provision(self, on):
        if self.devices[on] is not None and not self.devices[on]["enabled"]:
            self.add("op", act="device.provision", on=on, outcome=REFUSED, **self.span())
            return
        self.devices[on] = self.devices[on] or {"cid": self.token(), "enabled": True, "uuid": self.token()}
        self.serials += 1
        span = self.span()
        self.audited("device.provision", on)
        self.add("op", act="device.provision", on=on, outcome=OK, **span)
        self.wallets[on].append(self.add("certificate", on=on, serial=f"{self.serials:x}", sha=self.token(), **span,
                                         cid=self.devices[on]["cid"], issuer=self.issuer, policy="policy:line"))

    def read(self, on, final=False, **more):
        device = self.devices.get(on)
        if on in self.devices:
            more = {"exists": device is not None, **(device or {})}
        self.add("read", on=on, outcome=OK, **self.span(), **more, **({"final": True} if final else {}))

    def good(self, on, certificate):
        device = self.devices[on]
        return (device is not None and device["enabled"] and certificate.cid == device["cid"]
                and certificate.issuer == self.issuer)

    def connect(self, on, node=None):
        certificate = self.dice.choice(self.wallets[on][-2:])
        good = self.good(on, certificate)
        self.sessions += good
        record = self.add("connect", on=on, cid=certificate.cid, issuer=certificate.issuer, policy="policy:line",
                          sha=certificate.sha, outcome=OK if good else REFUSED, code=0 if good else 5,
                          node=node or self.dice.choice(["n1", "n2", "n3"]), s=f"w-{self.sessions}" if good else None,
                          **self.span())
        for _ in range(self.dice.randint(0, 3) if good else 0):
            self.add("alive", on=on, s=record.s, **self.span())
        return record

    def revoke(self, on):
        def change():
            self.devices[on]["cid"] = self.token()
        self.act("device.revoke", on, change)

    def switch(self, on):
        enabled = not self.devices[on]["enabled"]
        self.act("device.enable" if enabled else "device.disable", on, lambda: self.devices[on].update(enabled=enabled))

    def delete(self, on):
        self.act("device.delete", on, lambda: self.devices.update({on: None}))

    def rotate(self):
        old, new = self.issuer, f"ica-{self.now}"
        self.act("policy.revoke", "policy:line", lambda: setattr(self, "issuer", new), issuer=old)

    def step(self):
        on = self.dice.choice(list(self.devices))
        choices = ["connect"] * 6 + ["read", "provision", "head", "rotate"]
        choices += ["revoke", "switch", "switch", "delete"] if self.devices[on] is not None else []
        choice = self.dice.choice(choices)
        if choice == "head":
            self.add("head", outcome=OK, count=len(self.audit), hash=self.audit[-1]["hash"], **self.span())
        elif choice == "rotate":
            self.rotate()
        else:
            getattr(self, choice)(on)

    def fault(self, what, lasts, **more):
        record = self.add("fault", what=what, target="n2", start=self.now, end=self.now + lasts, **more)
        self.now += lasts
        return record


class Story(World):
    """A short life of one device whose every act is answered, for a violation to be planted in."""

    def __init__(self):
        super().__init__(seed=1, devices=0, acts=0)
        self.dice.random = lambda: 0.0  # answered
        self.on = "device:d-1"
        self.records = [record for record in self.records if record.k not in ("audit", "list")]
        self.devices, self.wallets = {self.on: None}, {self.on: []}
        self.issuer = "ica-1"
        self.provision(self.on)
        self.connect(self.on)

    def wait(self, seconds):
        self.now += round(seconds * SECOND)

    def let_in(self, certificate, node="n1"):
        self.sessions += 1
        return self.add("connect", on=self.on, cid=certificate.cid, issuer=certificate.issuer, policy="policy:line",
                        outcome=OK, node=node, s=f"w-{self.sessions}", **self.span())

    def live(self, session):
        self.add("alive", on=self.on, s=session.s, **self.span())

    def finish(self):
        for on in self.devices:
            self.read(on, final=True)
        for record in self.audit:
            self.add("audit", record=copy.deepcopy(record))
        return self.records


def rules_broken(records):
    return {violation[0] for violation in checker.judge(records).violations}


class Plants(unittest.TestCase):
    def setUp(self):
        self.story = Story()
        self.on = self.story.on
        self.first = self.story.wallets[self.on][0]

    def expect(self, *rules):
        self.assertEqual(rules_broken(self.story.finish()), set(rules))

    def test_a_story_without_a_plant_passes(self):
        self.story.revoke(self.on)
        self.story.provision(self.on)
        self.story.connect(self.on)
        self.expect()

    def test_let_in_after_a_revoke(self):
        self.story.revoke(self.on)
        self.story.let_in(self.first)
        self.expect("let-in")

    def test_not_let_in_by_an_attempt_that_began_before_the_answer(self):
        self.story.revoke(self.on)
        connect = self.story.let_in(self.first)
        connect.members["start"] -= connect.start - self.story.records[-2].end + 1
        self.expect()

    def test_let_in_after_a_revoke_without_an_answer_is_no_violation_within_the_bound(self):
        self.story.dice.random = iter([0.9, 0.0]).__next__
        self.story.revoke(self.on)
        self.story.let_in(self.first)
        self.expect()

    def test_let_in_while_disabled(self):
        self.story.switch(self.on)
        self.story.let_in(self.first)
        self.expect("let-in")

    def test_let_in_after_it_was_enabled_again_is_no_violation(self):
        self.story.switch(self.on)
        self.story.switch(self.on)
        self.story.let_in(self.first)
        self.expect()

    def test_let_in_after_it_was_deleted(self):
        self.story.delete(self.on)
        self.story.provision(self.on)
        self.story.let_in(self.first)
        self.expect("let-in")

    def test_let_in_below_a_revoked_issuer(self):
        self.story.rotate()
        self.story.let_in(self.first)
        self.expect("let-in")

    def refuse(self, **more):
        certificate = self.story.wallets[self.on][-1]
        self.story.add("connect", on=self.on, cid=certificate.cid, issuer=certificate.issuer, sha=certificate.sha,
                       policy="policy:line", outcome=REFUSED, **{"code": 5, **self.story.span(), **more})

    def test_locked_out(self):
        self.refuse()
        self.expect("locked-out")

    def test_refusal_with_a_reason_is_no_violation(self):
        for act in ("revoke", "switch", "delete", "rotate"):
            self.setUp()
            self.story.dice.random = lambda: 0.9  # not done, and nobody knows
            getattr(self.story, act)(*([] if act == "rotate" else [self.on]))
            self.refuse()
            self.expect()
        self.setUp()
        self.refuse(code=3)
        self.expect()
        self.setUp()
        clock = self.story.fault("clock", SECOND)
        clock.members["start"] = self.first.start
        self.refuse()
        self.expect()

    def test_session_outlives_a_revoke(self):
        session = self.story.let_in(self.first)
        self.story.revoke(self.on)
        self.story.wait(1.5)
        self.story.live(session)
        self.expect("outlived")

    def test_session_outlives_a_disable(self):
        session = self.story.let_in(self.first)
        self.story.switch(self.on)
        self.story.wait(1.5)
        self.story.live(session)
        self.expect("outlived")

    def test_session_that_ends_within_the_promise_is_no_violation(self):
        session = self.story.let_in(self.first)
        self.story.revoke(self.on)
        self.story.live(session)
        self.expect()

    def test_acknowledged_revoke_is_lost(self):
        cid = self.story.devices[self.on]["cid"]
        self.story.read(self.on)
        self.story.revoke(self.on)
        self.story.devices[self.on]["cid"] = cid
        self.expect("lost-write")

    def test_acknowledged_disable_is_lost(self):
        self.story.switch(self.on)
        self.story.devices[self.on]["enabled"] = True
        self.expect("lost-write")

    def test_unknown_disable_may_be_either(self):
        for done in (True, False):
            self.setUp()
            self.story.dice.random = lambda: 0.9
            self.story.switch(self.on)
            self.story.devices[self.on]["enabled"] = done
            self.expect()

    def test_provisioned_device_is_lost(self):
        self.story.devices[self.on] = None
        self.expect("lost-write")

    def test_provisioned_credential_is_lost(self):
        self.story.devices[self.on]["cid"] = self.story.token()
        self.expect("lost-write")

    def test_deleted_device_is_back(self):
        device = self.story.devices[self.on]
        self.story.delete(self.on)
        self.story.devices[self.on] = {**device, "cid": self.story.token()}
        self.expect("lost-write")

    def test_policy_and_enrollment_are_lost(self):
        for on, act in (("policy:other", "policy.create"), ("enrollment:e-1", "enrollment.create")):
            self.setUp()
            self.story.act(act, on)
            self.story.read(on, final=True, exists=False)
            self.expect("lost-write")

    def test_an_act_whose_trace_was_not_looked_for(self):
        self.story.act("enrollment.create", "enrollment:e-1")
        self.expect("lost-write")

    def test_credential_id_goes_back(self):
        device = self.story.devices[self.on]
        old = device["cid"]
        self.story.dice.random = lambda: 0.9  # unknown, so that no write is lost
        self.story.revoke(self.on)
        for cid in (old, self.story.token(), old):
            device["cid"] = cid
            self.story.read(self.on)
        self.expect("went-back")

    def test_serial_is_used_twice(self):
        self.story.serials -= 1
        self.story.provision(self.on)
        self.expect("serial")

    def test_certificate_that_was_received_twice_is_no_violation(self):
        self.story.add("certificate", **{**self.first.members, **self.story.span()})
        self.expect()

    def test_audit_record_is_changed_or_missing_or_moved(self):
        def change(audit):
            audit[1].record["actor"] = "somebody else"

        def swap(audit):
            audit[0].members["record"], audit[1].members["record"] = audit[1].record, audit[0].record
            audit[0].record["number"], audit[1].record["number"] = 1, 2

        def drop(audit):
            del audit[1].members["k"]
            audit[1].members["k"] = "nothing"

        for tamper in (change, swap, drop):
            self.setUp()
            self.story.revoke(self.on)
            self.story.provision(self.on)
            records = self.story.finish()
            tamper([record for record in records if record.k == "audit"])
            self.assertIn("audit", rules_broken(records))

    def test_acknowledged_act_is_not_in_the_audit(self):
        self.story.act("policy.create", "policy:other")
        self.story.read("policy:other", final=True, exists=True)
        self.story.audit.pop()
        self.expect("audit")

    def test_audit_has_an_act_that_nobody_asked_for(self):
        self.story.revoke(self.on)
        self.story.audited("device.revoke", self.on)
        self.expect("audit")

    def test_noted_head_is_gone(self):
        self.story.add("head", outcome=OK, count=len(self.story.audit), hash="f" * 64, **self.story.span())
        self.expect("audit")

    def test_audit_was_not_read(self):
        self.story.audit.clear()
        self.expect("audit")

    def test_two_sessions_are_kept(self):
        older, newer = self.story.let_in(self.first), self.story.let_in(self.first, "n2")
        self.story.wait(15)
        for session in (newer, older, newer):
            self.story.live(session)
        self.expect("twins")

    def test_older_session_may_stay_when_the_newer_one_ends_soon(self):
        older, newer = self.story.let_in(self.first), self.story.let_in(self.first, "n2")
        self.story.live(newer)
        self.story.wait(15)
        self.story.live(older)
        self.expect()

    def test_device_is_listed_twice(self):
        self.story.add("list", of="devices", ids=["d-1", "d-1"], uuids=["a", "b"])
        self.expect("duplicate")

    def test_device_is_made_twice(self):
        for _ in range(2):
            self.story.act("device.create", self.on)
        self.expect("duplicate")

    def test_device_has_another_uuid(self):
        self.story.read(self.on)
        self.story.devices[self.on]["uuid"] = self.story.token()
        self.expect("duplicate")

    def test_node_lets_in_by_a_state_that_is_too_old(self):
        self.story.dice.random = lambda: 0.6  # done, and the answer is lost
        self.story.revoke(self.on)
        self.story.records[-1].members["outcome"] = UNKNOWN
        self.story.read(self.on)
        self.story.wait(9)
        self.story.let_in(self.first)
        self.expect("stale")

    def test_node_lets_in_who_was_seen_disabled(self):
        self.story.switch(self.on)
        self.story.records[-1].members["outcome"] = UNKNOWN
        self.story.read(self.on)
        self.story.wait(9)
        self.story.let_in(self.first)
        self.expect("stale")

    def test_severed_node_lets_in_or_keeps_sessions(self):
        for act in (lambda _: self.story.let_in(self.first, "n2"), lambda session: self.story.live(session)):
            self.setUp()
            session = self.story.let_in(self.first, "n2")
            fault = self.story.add("fault", what="cut", severs="n2", target="n2", start=self.story.now,
                                   end=self.story.now + 60 * SECOND)
            self.story.wait(5)
            act(session)
            self.assertNotIn("stale", rules_broken(list(self.story.records)))
            self.story.wait(5)
            act(session)
            self.expect("stale")
            self.assertLess(self.story.now, fault.end + SECOND)

    def test_run_that_proves_too_little(self):
        run = checker.judge(self.story.finish())
        checker.check_coverage(run, 0, 2)
        self.assertFalse(run.violations)
        checker.check_coverage(run, 3, 0)
        checker.check_coverage(run, 0, 3)
        self.assertEqual([violation[0] for violation in run.violations], ["too-little"] * 2)


class Perfect(unittest.TestCase):
    def test_histories_of_a_system_that_keeps_its_word_pass(self):
        for seed in range(150):
            violations = checker.judge(World(seed).records).violations
            shown = "\n".join(f"{v[0]} {v[1]} {v[2]}\n" + "\n".join(map(str, v[3])) for v in violations)
            self.assertFalse(violations, f"seed {seed}: {shown}")


class Schedule(unittest.TestCase):
    KINDS = {"restart", "kill-hub", "cut", "clock", "disk-full", "kill-primary"}

    def test_seed_decides(self):
        one = nemesis.schedule(7, 300, self.KINDS, 3)
        self.assertEqual(one, nemesis.schedule(7, 300, set(sorted(self.KINDS, reverse=True)), 3))
        self.assertNotEqual(one, nemesis.schedule(8, 300, self.KINDS, 3))

    def test_every_kind_comes_before_any_comes_twice_and_none_overlap(self):
        for seed in range(20):
            plan = nemesis.schedule(seed, 300, self.KINDS, 3)
            self.assertEqual({kind for _, _, kind, _ in plan[:len(self.KINDS)]}, self.KINDS)
            for (at, lasts, _, _), (next_at, _, _, target) in zip(plan, plan[1:]):
                self.assertLess(at + lasts, next_at)
                self.assertIn(target, range(3))
            self.assertLess(plan[-1][0] + plan[-1][1], 301)


class Files(unittest.TestCase):
    """Written by recorders, read by the program."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="latchkey-checker-test-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def write(self, records, name="a"):
        with Recorder(self.path, name) as recorder:
            for record in records:
                recorder.record(record.k, **{key: value for key, value in record.members.items() if key != "k"})

    def check(self, *options):
        return subprocess.run([sys.executable, "-B", pathlib.Path(checker.__file__), self.path, *options], text=True,
                              capture_output=True, check=False)

    def test_good_history_passes_and_a_bad_one_does_not(self):
        records = World(7).records
        self.write(records[::2], "a")
        self.write(records[1::2], "b")
        told = self.check()
        self.assertEqual(told.returncode, checker.KEPT, told.stdout + told.stderr)
        self.assertIn("every rule was kept", told.stdout)
        story = Story()
        story.revoke(story.on)
        story.let_in(story.wallets[story.on][0])
        self.write(story.finish(), "a")
        (self.path / "history-b.jsonl").unlink()
        told = self.check()
        self.assertEqual(told.returncode, checker.VIOLATED)
        self.assertIn("let-in: device:d-1", told.stdout)
        self.assertIn("history-a.jsonl:", told.stdout)

    def test_histories_that_cannot_be_judged(self):
        self.assertEqual(self.check().returncode, checker.NOT_JUDGED)
        self.write(World(7).records)
        file = self.path / "history-a.jsonl"
        lines = file.read_text().splitlines(keepends=True)
        two_runs = [lines[0], *lines[:-1], json.dumps({"k": "close", "records": len(lines)}) + "\n"]
        backward = [*lines[:-1], '{"k":"alive","start":2,"end":1}\n', lines[-1]]
        odd = [json.dumps({**json.loads(line), "outcome": "perhaps"}) + "\n" if '"k":"op"' in line else line
               for line in lines]
        for broken in (lines[:-1], lines[1:], [*lines[:5], "{\n", *lines[5:]], two_runs, backward, odd, []):
            file.write_text("".join(broken))
            told = self.check()
            self.assertEqual(told.returncode, checker.NOT_JUDGED, told.stdout + told.stderr)

    def test_longest_pause_is_of_those_that_the_time_has_a_part_of(self):
        self.assertEqual(history.longest_pause([1, 9, 12, 13, 30, 90], 10, 20), (13, 20))
        self.assertEqual(history.longest_pause([19, 13, 12, 9, 1], 10, 20), (13, 19))  # in any order
        self.assertEqual(history.longest_pause([2, 11, 12, 19], 10, 20), (2, 11))  # it had begun before
        self.assertEqual(history.longest_pause([2, 5], 10, 20), (5, 20))  # it has not ended
        self.assertEqual(history.longest_pause([], 10, 20), (10, 20))

    def test_time_goes_on(self):
        before = history.now_us()
        self.assertLessEqual(before, history.now_us())


if __name__ == "__main__":
    unittest.main()
