# SPDX-License-Identifier: Apache-2.0
"""The audit as the run found it in the end: whole, with every head that was ever noted, and with every act that was
acknowledged; no act in it that nobody asked for, no device made twice.
"""
import collections
import hashlib

from history import OK, REFUSED

TEXTS = ("actor", "source", "action", "resource", "outcome", "detail", "before", "after")
NAMESPACE = "namespaces/default"
# act of a history: action, resource of the audit, whether only clients that record do it (then the audit has no more)
AUDITED = {
    "device.create": ("device.create", NAMESPACE + "/devices/{}", True),
    "device.revoke": ("device.revoke", NAMESPACE + "/devices/{}", True),
    "device.disable": ("device.update", NAMESPACE + "/devices/{}", True),
    "device.enable": ("device.update", NAMESPACE + "/devices/{}", True),
    "device.delete": ("device.delete", NAMESPACE + "/devices/{}", True),
    "device.provision": ("device.register", "registrations/{}", False),  # a client's one attempt may be several
    "policy.create": ("policy.create", NAMESPACE + "/credentials/default/policies/{}", True),
    "policy.revoke": ("policy.revoke", NAMESPACE + "/credentials/default/policies/{}", True),
    "policy.delete": ("policy.delete", NAMESPACE + "/credentials/default/policies/{}", True),
    "enrollment.create": ("enrollment.create", "enrollments/{}", True),
    "enrollment.delete": ("enrollment.delete", "enrollments/{}", True),
}


def _field(data):
    return len(data).to_bytes(4, "big") + data


def digest(record):
    """The hash that a record must have, by docs/audit.md."""
    fields = [b"latchkey.audit.1", bytes.fromhex(record["previousHash"]), record["number"].to_bytes(8, "big"),
              record["atMs"].to_bytes(8, "big", signed=True)] + [record[name].encode("ascii") for name in TEXTS]
    return hashlib.sha256(b"".join(map(_field, fields))).hexdigest()


class AuditRules:
    def __init__(self, run):
        self.run = run
        self.lines = run.by_kind["audit"]

    def check(self):
        if not self.lines:
            if self.run.by_kind["head"] or self.run.by_kind["run"][0].audit:
                self.run.violate("audit", "the audit", "it was not read in the end")
            return
        self.lines.sort(key=lambda line: line.record["number"])
        self.check_chain()
        self.check_heads()
        self.check_acts()
        self.check_made_once()

    def check_chain(self):
        previous = "0" * 64
        for number, line in enumerate(self.lines, 1):
            record = line.record
            if record["number"] != number or record["previousHash"] != previous or record["hash"] != digest(record):
                self.run.violate("audit", "the audit", f"record {number} is missing or not as it was written", line)
                return
            previous = record["hash"]

    def check_heads(self):
        """A head that somebody noted proves every record up to it, also over a failover."""
        for head in self.run.by_kind["head"]:
            if head.outcome != OK or head.count == 0:
                continue
            if head.count > len(self.lines) or self.lines[head.count - 1].record["hash"] != head.hash:
                self.run.violate("audit", "the audit", f"record {head.count}, noted as the head, is not in it", head)

    def check_acts(self):
        counted = collections.Counter((line.record["action"], line.record["resource"]) for line in self.lines
                                      if line.record["outcome"] == "ok")
        least, most, first, strict = collections.Counter(), collections.Counter(), {}, {}
        for op in self.run.by_kind["op"]:
            if op.act not in AUDITED or op.outcome == REFUSED:
                continue
            action, resource, alone = AUDITED[op.act]
            key = (action, resource.format(op.on.split(":", 1)[1]))
            least[key] += op.outcome == OK
            most[key] += 1
            first.setdefault(key, op)
            strict[key] = alone
        for key, op in first.items():
            what = (f"{least[key]} acts were acknowledged, {most[key]} at the most were done, and the audit has "
                    f"{counted[key]}")
            if counted[key] < least[key] or (strict[key] and counted[key] > most[key]):
                self.run.violate("audit", f"{key[0]} {key[1]}", what, op)

    def check_made_once(self):
        there = {}
        for line in self.lines:
            record = line.record
            if record["outcome"] != "ok" or record["action"] not in ("device.create", "device.delete"):
                continue
            if record["action"] == "device.create" and there.get(record["resource"]):
                self.run.violate("duplicate", record["resource"], "was made a second time", there[record["resource"]],
                                 line)
            there[record["resource"]] = line if record["action"] == "device.create" else None
