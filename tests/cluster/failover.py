#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Patroni with etcd on machines that are played: the primary is killed, the standby promoted, and what writers were
told is compared with what is there in the end, by the same checker as for the hub. The writers speak plain SQL: this is
the ground that nodes stand on.

Exit status: 0 every rule was kept, 1 one was not, or the run broke off.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

import audit_chain
from ground import Ground
from history import OK, REFUSED, UNKNOWN, Recorder, now_us
from patroni_pair import PatroniPair

HERE = pathlib.Path(__file__).parent
WRITERS = 4
PATIENCE = "&keepalives_idle=2&keepalives_interval=1&keepalives_count=3&tcp_user_timeout=4000"
PROMISE = {"stale_us": 1, "outlive_us": 1, "twins_us": 1}
TABLES = """
CREATE TABLE devices(id text PRIMARY KEY, cid text NOT NULL, uuid text NOT NULL, enabled boolean NOT NULL);
CREATE TABLE audit(number bigint PRIMARY KEY, record text NOT NULL);
CREATE TABLE head(one int PRIMARY KEY CHECK (one = 1), count bigint NOT NULL, hash text NOT NULL);
INSERT INTO head VALUES (1, 0, repeat('0', 64));
"""


class Writer(threading.Thread):
    """Makes, revokes, disables, enables and deletes devices of its own, each with its record in the audit's chain."""

    def __init__(self, number, seed, address, recorder):
        super().__init__(daemon=True)
        self.dice, self.address, self.recorder = random.Random(f"{seed}-{number}"), address, recorder
        self.number, self.stop, self.connection = number, threading.Event(), None
        self.names = [f"d-{number}-{i}" for i in range(25)]

    def run(self):
        while not self.stop.wait(self.dice.uniform(0, 0.02)):
            self.one()
        if self.connection is not None:
            self.connection.close()

    def one(self):
        name = self.dice.choice(self.names)
        act = self.dice.choice(["create", "create", "revoke", "revoke", "disable", "enable", "delete", "read"])
        start, outcome, told = now_us(), REFUSED, None
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(self.address)
            told = self.change(act, name)
            outcome = UNKNOWN
            if told:
                self.connection.commit()
                outcome = OK
            else:
                self.connection.rollback()
                outcome = REFUSED
        except psycopg2.Error:
            self.drop()
        end = now_us()
        if act == "read":
            if outcome == OK:
                self.recorder.record("read", on=f"device:{name}", outcome=OK, start=start, end=end, **told)
            return
        self.recorder.record("op", act=f"device.{act}", on=f"device:{name}", outcome=outcome, start=start, end=end)
        if outcome == OK:
            self.recorder.record("head", outcome=OK, count=told["number"], hash=told["hash"], start=start, end=end)

    def drop(self):
        try:
            self.connection and self.connection.close()
        except psycopg2.Error:
            pass
        self.connection = None
        time.sleep(0.05)

    def change(self, act, name):
        """What is to be committed; None when the act is not possible."""
        with self.connection.cursor() as cursor:
            if act == "read":
                cursor.execute("SELECT cid, uuid, enabled FROM devices WHERE id = %s", (name,))
                row = cursor.fetchone()
                return {"exists": True, "cid": row[0], "uuid": row[1], "enabled": row[2]} if row else {"exists": False}
            fresh = f"{self.dice.getrandbits(128):032x}"
            cursor.execute("SELECT count, hash FROM head FOR UPDATE")
            count, previous = cursor.fetchone()
            cursor.execute({
                "create": "INSERT INTO devices VALUES (%(id)s, %(new)s, %(new)s, true) ON CONFLICT DO NOTHING",
                "revoke": "UPDATE devices SET cid = %(new)s WHERE id = %(id)s",
                "disable": "UPDATE devices SET enabled = false WHERE id = %(id)s AND enabled",
                "enable": "UPDATE devices SET enabled = true WHERE id = %(id)s AND NOT enabled",
                "delete": "DELETE FROM devices WHERE id = %(id)s"}[act], {"id": name, "new": fresh})
            if cursor.rowcount != 1:
                return None
            action, resource, _ = audit_chain.AUDITED[f"device.{act}"]
            record = {"number": count + 1, "atMs": time.time_ns() // 1_000_000, "actor": f"writer {self.number}",
                      "source": "", "action": action, "resource": resource.format(name), "outcome": "ok", "detail": "",
                      "before": "", "after": "", "previousHash": previous}
            record["hash"] = audit_chain.digest(record)
            cursor.execute("INSERT INTO audit VALUES (%s, %s)", (record["number"], json.dumps(record)))
            cursor.execute("UPDATE head SET count = %s, hash = %s", (record["number"], record["hash"]))
            return record


class Prober(threading.Thread):
    """Asks for a new connection that may write, again and again: what an outage is for whoever comes."""

    def __init__(self, address, recorder):
        super().__init__(daemon=True)
        self.address, self.recorder, self.stop = address, recorder, threading.Event()

    def run(self):
        while not self.stop.wait(0.05):
            start, outcome = now_us(), OK
            try:
                connection = psycopg2.connect(self.address)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                connection.close()
            except psycopg2.Error:
                outcome = REFUSED
            self.recorder.record("connect", on="database:latchkey", outcome=outcome, start=start, end=now_us())


class Failover:
    def __init__(self, options, ground, folder, out):
        self.options, self.out = options, out
        self.database = PatroniPair(ground, folder)
        self.address = self.database.address("postgres", PATIENCE)
        os.environ |= self.database.environment()
        ground.enter()

    def start(self):
        self.database.start()
        with psycopg2.connect(self.address) as connection, connection.cursor() as cursor:
            cursor.execute(TABLES)

    def live(self):
        with Recorder(self.out, "nemesis") as recorder, Recorder(self.out, "prober") as probed:
            recorder.record("run", seed=self.options.seed, promise=PROMISE, audit=True, start=now_us(), end=now_us())
            recorders = [Recorder(self.out, f"writer{number}") for number in range(WRITERS)]
            threads = [Writer(number, self.options.seed, self.address, one) for number, one in enumerate(recorders)]
            threads.append(Prober(self.address, probed))
            for thread in threads:
                thread.start()
            for _ in range(self.options.failovers):
                time.sleep(5)
                self.fail_over(recorder)
            time.sleep(3)
            for thread in threads:
                thread.stop.set()
            for thread in threads:
                thread.join()
            for one in recorders:
                one.close()

    def fail_over(self, recorder):
        self.database.wait_safe()
        old = self.database.primary()
        begun = now_us()
        old.lose_power()
        self.database.wait_for_another(old)
        recorder.record("fault", what="kill-primary", target=old.name, start=begun, end=now_us())
        print(f"failover: {old.name} lost its power; {self.database.primary().name} is the primary "
              f"{(now_us() - begun) / 1e6:.1f} s later", flush=True)
        old.start()
        self.database.wait_safe()

    def read_everything(self):
        with Recorder(self.out, "end") as recorder, psycopg2.connect(self.address) as connection:
            start = now_us()
            with connection.cursor() as cursor:
                cursor.execute("SELECT id, cid, uuid, enabled FROM devices")
                rows = {row[0]: row[1:] for row in cursor.fetchall()}
                cursor.execute("SELECT record FROM audit ORDER BY number")
                audit = [json.loads(row[0]) for row in cursor.fetchall()]
            for name in (f"d-{number}-{i}" for number in range(WRITERS) for i in range(25)):
                row = rows.get(name)
                facts = {"cid": row[0], "uuid": row[1], "enabled": row[2]} if row else {}
                recorder.record("read", on=f"device:{name}", outcome=OK, exists=row is not None, final=True,
                                start=start, end=now_us(), **facts)
            recorder.record("list", of="devices", ids=list(rows), uuids=[row[1] for row in rows.values()], start=start,
                            end=now_us())
            for record in audit:
                recorder.record("audit", record=record)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failovers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where the histories stay")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-failover-"))
    folder.chmod(0o755)
    out = (options.out or folder / "out").resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("history-*.jsonl"):
        old.unlink()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"failover: {options.failovers} of Patroni, seed {options.seed}, in {folder}", flush=True)
    with Ground(folder) as ground:
        run = Failover(options, ground, folder, out)
        try:
            run.start()
            run.live()
            run.read_everything()
        finally:
            run.database.stop()
        good = subprocess.run([sys.executable, "-B", HERE / "checker.py", out, "--connects", "20", "--faults", "1"],
                              check=False).returncode == 0
    print(f"failover: {'PASSED' if good else 'FAILED'}", flush=True)
    if good or options.out is not None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"failover: what it left is in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
