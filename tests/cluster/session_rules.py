# SPDX-License-Identifier: Apache-2.0
"""What was let in, and what lived on: rules let-in, locked-out, outlived, stale, twins."""
import bisect
import collections

from history import OK

NOT_AUTHORIZED = 5  # MQTT 3.1.1: a device that hears it goes and gets a new certificate
ENDING = ("device.revoke", "device.delete")  # acts after which no certificate from before is good


class SessionRules:
    def __init__(self, run):
        self.run = run
        self.connects = [connect for connect in run.by_kind["connect"] if connect.outcome == OK]
        self.sessions = {connect.s: connect for connect in self.connects}
        self.alive = collections.defaultdict(list)  # by session
        for record in run.by_kind["alive"]:
            self.alive[record.s].append(record)
        self.first_seen = {}  # when the run first saw a credential id, or an issuer's certificate of a device
        for record in run.by_kind["certificate"] + run.by_kind["read"]:
            if record.cid and record.end < self.first_seen.get((record.on, record.cid), 1 << 62):
                self.first_seen[record.on, record.cid] = record.end

    def check(self):
        self.check_condemned()
        self.check_locked_out()
        self.check_stale()
        self.check_severed()
        self.check_twins()

    def condemning(self, connect, begun):
        """The acknowledged act, answered before `begun`, after which this connect's certificate must not be good."""
        known = self.first_seen.get((connect.on, connect.cid))
        for act in ENDING:
            for op in self.run.ops.get((act, connect.on), ()):
                if op.outcome == OK and op.end < begun and known is not None and known < op.start:
                    return op
        for op in self.run.ops.get(("policy.revoke", connect.policy), ()) if connect.policy else ():
            if op.outcome == OK and op.end < begun and op.issuer and op.issuer == connect.issuer:
                return op
        for op in self.run.ops.get(("device.disable", connect.on), ()):
            if op.outcome == OK and op.end < begun and not self.may_be_enabled_again(op, begun):
                return op
        return None

    def may_be_enabled_again(self, disable, until):
        # A device that was deleted comes back enabled.
        return self.run.possible(("device.enable", "device.delete"), disable.on, disable.start, until)

    def forbids(self, read, until):
        """Was the device gone or disabled, as this read says, until then?"""
        if read.exists is False:
            return not self.run.possible(("device.create", "device.provision"), read.on, read.start, until)
        return read.enabled is False and not self.run.possible(("device.enable", "device.delete"), read.on, read.start,
                                                               until)

    def check_condemned(self):
        for connect in self.connects:
            op = self.condemning(connect, connect.start)
            if op is not None and not self.overlapping_enable(op, connect):
                self.run.violate("let-in", connect.on, f"was let in by an attempt that began "
                                 f"{(connect.start - op.end) / 1000:.1f} ms after {op.act} was acknowledged", connect,
                                 op)
                continue  # what it did afterwards is the same fault
            for life in self.alive.get(connect.s, ()):
                op = self.condemning(connect, life.start - self.run.promise["outlive_us"])
                if op is not None and not self.overlapping_enable(op, life):
                    self.run.violate("outlived", connect.on, f"its session still got work done "
                                     f"{(life.start - op.end) / 1e6:.3f} s after {op.act} was acknowledged", life, op)
                    break

    def overlapping_enable(self, op, record):
        return op.act == "device.disable" and self.may_be_enabled_again(op, record.end)

    def check_locked_out(self):
        """A refusal for good (CONNACK 5) needs a reason, from when the certificate was asked for until the refusal."""
        received = {}
        for record in self.run.by_kind["certificate"]:
            received.setdefault((record.on, record.sha), record)
        clocks = [fault for fault in self.run.by_kind["fault"] if fault.what == "clock"]
        for connect in self.run.by_kind["connect"]:
            certificate = received.get((connect.on, connect.sha))
            if connect.code != NOT_AUTHORIZED or certificate is None or certificate.end > connect.start:
                continue
            span = certificate.start, connect.end
            if (self.run.possible(("device.revoke", "device.delete", "device.disable"), connect.on, *span)
                    or (connect.policy and self.run.possible(("policy.revoke",), connect.policy, *span))
                    # by a wrong clock it is not valid yet, or not any more
                    or any(fault.start <= span[1] and fault.end >= span[0] for fault in clocks)):
                continue
            self.run.violate("locked-out", connect.on, "was refused for good, and nobody had taken anything from it",
                             connect, certificate)

    def superseded(self):
        """(on, cid) -> when the registry was first seen with a newer credential id, and the record that shows it."""
        seen = collections.defaultdict(list)
        for record in self.run.by_kind["certificate"] + self.run.by_kind["read"]:
            if record.cid:
                seen[record.on].append(record)
        newer = {}
        for on, records in seen.items():
            records.sort(key=lambda record: record.end)
            for cid in {record.cid for record in records}:
                known = self.first_seen[on, cid]
                later = next((r for r in records if r.cid != cid and r.start > known), None)
                if later is not None:
                    newer[on, cid] = later
        return newer

    def check_stale(self):
        """Also an act that nobody acknowledged counts from when the registry was seen with it."""
        newer = self.superseded()
        unhappy = collections.defaultdict(list)  # reads that showed a device disabled or gone
        for read in self.run.by_kind["read"]:
            if read.outcome == OK and (read.exists is False or read.enabled is False):
                unhappy[read.on].append(read)
        for connect in self.connects:
            bound = connect.start - self.run.promise["stale_us"]
            shown = newer.get((connect.on, connect.cid))
            if shown is None or shown.end >= bound:
                shown = next((read for read in unhappy[connect.on]
                              if read.end < bound and self.forbids(read, connect.end)), None)
            if shown is not None:
                self.run.violate("stale", connect.on, f"was let in {(connect.start - shown.end) / 1e6:.1f} s after the "
                                 "registry was seen in a state that forbids it", connect, shown)

    def check_severed(self):
        """A node that cannot know the registry's state may go by what it has for so long and no longer."""
        for fault in self.run.by_kind["fault"]:
            if not fault.severs:
                continue
            there = [connect for connect in self.connects if connect.node == fault.severs]
            lives = [life for connect in there for life in self.alive.get(connect.s, ())]
            for what, records in (("let it in", there), ("kept its session", lives)):
                late = next((record for record in records if record.end < fault.end
                             and record.start > fault.start + self.run.promise["stale_us"]), None)
                if late is not None:
                    after = (late.start - fault.start) / 1e6
                    self.run.violate("stale", late.on, f"{fault.severs} {what} {after:.1f} s after it was severed from "
                                     "the registry", late, fault)

    def check_twins(self):
        """Of two sessions of a device the older ends within the bound, if the newer lives that long."""
        by_device = collections.defaultdict(list)
        for connect in self.connects:
            by_device[connect.on].append(connect)
        last = {s: (records[-1].start, records[-1].end, records[-1]) for s, records in self.alive.items()}
        for on, sessions in by_device.items():
            sessions.sort(key=lambda connect: connect.start)
            starts = [connect.start for connect in sessions]
            for older in sessions:
                if older.s not in last:
                    continue
                for newer in sessions[bisect.bisect_right(starts, older.end):]:
                    moment = newer.end + self.run.promise["twins_us"]
                    if newer.start + self.run.promise["twins_us"] > last[older.s][0]:
                        break
                    if last[older.s][0] > moment and last.get(newer.s, (0, 0))[1] > moment:
                        self.run.violate("twins", on, "two sessions both got work done, the older one "
                                         f"{(last[older.s][0] - newer.end) / 1e6:.1f} s after the newer one was let in",
                                         last[older.s][2], newer)
                        break
