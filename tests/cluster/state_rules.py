# SPDX-License-Identifier: Apache-2.0
"""What the registry holds: rules lost-write, went-back, serial, duplicate.

Each fact about a resource (is it there, is it enabled) is one register. What it holds in the end must be what one act
left that no acknowledged act has followed; an act without an answer may have had its effect at any time, or never.
"""
import collections

from history import OK, REFUSED

# fact: the acts that set it, and to what
EXISTS = {"device.create": True, "device.provision": True, "device.delete": False, "policy.create": True,
          "policy.delete": False, "enrollment.create": True, "enrollment.delete": False}
ENABLED = {"device.enable": True, "device.disable": False, "device.delete": True}  # who comes back is enabled
NEW_CREDENTIAL = ("device.create", "device.revoke", "device.delete")  # provisioning goes by the one that is there


class StateRules:
    def __init__(self, run):
        self.run = run
        self.reads = [read for read in run.by_kind["read"] if read.outcome == OK]
        self.final = {read.on: read for read in self.reads if read.final}

    def check(self):
        self.check_registers()
        self.check_credentials()
        self.check_order()
        self.check_serials()
        self.check_duplicates()

    def candidates(self, on, acts):
        """Outcomes that the register may have in the end, each with its act; None: nobody has touched it for sure."""
        ops = [op for op in self.run.ops_on[on] if op.act in acts and op.outcome != REFUSED]
        surely = [op for op in ops if op.outcome == OK]
        return [op for op in ops if not any(other.start > self.run.last_moment(op) for other in surely)]

    def check_registers(self):
        for on, final in self.final.items():
            for fact, acts in (("exists", EXISTS), ("enabled", ENABLED)):
                if fact == "enabled" and not (final.exists and final.enabled is not None):
                    continue
                last = self.candidates(on, acts)
                # Without an acknowledged act the state from before the run, which nobody knows, may have stayed
                if not any(op.outcome == OK for op in last):
                    continue
                if final.members[fact] not in {acts[op.act] for op in last}:
                    self.run.violate("lost-write", on, f"{fact} is {final.members[fact]} in the end, and "
                                     f"{last[-1].act} was acknowledged", final, last[-1])
        for op in self.run.by_kind["op"]:
            if op.outcome == OK and op.act in EXISTS and op.on not in self.final:
                self.run.violate("lost-write", op.on, "it was not read in the end", op)
                break

    def observations(self):
        """Where the registry has told a credential id: reads, and certificates since their request."""
        seen = collections.defaultdict(list)
        for record in self.reads + self.run.by_kind["certificate"]:
            if record.cid:
                seen[record.on].append(record)
        for records in seen.values():
            records.sort(key=lambda record: record.start)
        return seen

    def check_credentials(self):
        """A revoke that was acknowledged has replaced the credential id; what was issued since is still there."""
        for on, records in self.observations().items():
            for op in self.run.ops.get(("device.revoke", on), ()):
                old = {record.cid for record in records if record.end < op.start}
                back = next((r for r in records if r.k == "read" and r.start > op.end and r.cid in old), None)
                if op.outcome == OK and back is not None:
                    self.run.violate("lost-write", on, "a credential id from before an acknowledged revoke is its "
                                     "again", back, op)
                    break
            final = self.final.get(on)
            before = [record for record in records if not record.final and final and record.end < final.start]
            if final is None or not final.exists or not before:
                continue
            latest = max(before, key=lambda record: record.start)
            if latest.cid != final.cid and not self.run.possible(NEW_CREDENTIAL, on, latest.start, final.end):
                self.run.violate("lost-write", on, "another credential id in the end, and nobody asked for one", final,
                                 latest)

    def check_order(self):
        """Once another one was seen, an earlier credential id does not come back."""
        for on, records in self.observations().items():
            ended = sorted(records, key=lambda record: record.end)
            first_end, left = {}, {}  # of each id: when it was first seen; when another was seen that began after that
            for record in ended:
                first_end.setdefault(record.cid, record.end)
            for cid, seen in first_end.items():
                left[cid] = next((r for r in ended if r.cid != cid and r.start > seen), None)
            for record in records:
                other = left[record.cid]
                if other is not None and record.start > other.end:
                    self.run.violate("went-back", on, f"credential id {record.cid} was seen again after another one",
                                     record, other)
                    break

    def check_serials(self):
        first = {}
        for record in self.run.by_kind["certificate"]:
            other = first.setdefault(record.serial, record)
            if other.sha != record.sha:
                self.run.violate("serial", record.on, f"serial number {record.serial} is in two certificates", record,
                                 other)

    def check_duplicates(self):
        for listing in self.run.by_kind["list"]:
            for what in ("ids", "uuids"):
                for value, count in collections.Counter(listing.members.get(what) or ()).items():
                    if count > 1:
                        self.run.violate("duplicate", listing.of, f"{value} is there {count} times", listing)
        by_device = collections.defaultdict(list)
        for read in self.reads:
            if read.uuid:
                by_device[read.on].append(read)
        for on, reads in by_device.items():
            for one, next_one in zip(reads, reads[1:]):
                if one.uuid != next_one.uuid and not self.run.possible(("device.delete",), on, one.start, next_one.end):
                    self.run.violate("duplicate", on, "two devices of one name, and it was never deleted", next_one,
                                     one)
                    break
