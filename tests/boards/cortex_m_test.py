# SPDX-License-Identifier: Apache-2.0
"""The whole life of the emulated Cortex-M4 against a real `latchkey up`: provisioned with a key made on the device,
connected, restarted without a write, revoked and refused with CONNACK 5, back with a new certificate, renewed; then
revoked many times over, and with the plug pulled in the middle of it.

    cortex_m_test.py --bin FOLDER_OF_LATCHKEY --image ELF [--key-profile ec-p384] [--figures FILE]

Waits for conditions, bounded; ends only the processes that it started. Exit status 0 when all was seen."""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

from hub import Failure, Hub, Process, expect, wait_for

DEVICE = "board-1"
LIFETIME_DAYS = 30
RENEW_AT_PERMILLE = 700
ROUNDS = 10  # revoked and back without a restart
DER_DIFFERS = 128  # bytes


class Board:
    """One folder is one device: what the factory wrote, and the flash."""

    def __init__(self, image, folder, hub):
        self.image, self.folder, self.log = image, folder, folder / "serial.log"
        folder.mkdir(mode=0o700)
        shutil.copy(hub.endpoints["caFile"], folder / "trust.pem")
        group = base64.b64decode(pathlib.Path(hub.endpoints["enrollmentKeyFile"]).read_text())
        self.key = base64.b64encode(hmac.new(group, DEVICE.encode(), hashlib.sha256).digest()).decode()
        self.write_private("flash.bin", "")
        self.hub = hub
        self.process = None
        self.mark = 0

    def write_private(self, name, text):
        with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def start(self, clock_offset_s=0):
        self.write_private("factory.conf", "".join(f"{line}\n" for line in (
            f"registration-id={DEVICE}", f"id-scope={self.hub.endpoints['idScope']}",
            f"dps={self.hub.endpoints['dps']}", f"key={self.key}", "telemetry-ms=1000", "retry-initial-ms=200",
            "slow-retry-ms=2000", f"renew-at-permille={RENEW_AT_PERMILLE}", f"clock-offset-s={clock_offset_s}")))
        self.mark = len(self.text())
        self.process = Process(["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none",
                                "-serial", f"file:{self.log.name}.new", "-nic", "user", "-icount", "shift=0",
                                "-semihosting-config", "enable=on,target=native", "-kernel", self.image],
                               self.folder, self.folder / "qemu.log")
        self.running_log = self.folder / f"{self.log.name}.new"

    def stop(self):
        """Pulls the plug: the board is not asked."""
        if self.process is None:
            return
        self.process.process.kill()
        self.process.end()
        self.process = None
        with open(self.log, "a") as log:
            log.write(self.running_log.read_text(errors="replace"))
        self.running_log.unlink()

    def text(self):
        whole = self.log.read_text(errors="replace") if self.log.exists() else ""
        running = self.folder / f"{self.log.name}.new"
        return whole + (running.read_text(errors="replace") if running.exists() else "")

    def sees(self, pattern):
        """Waits for a line from here on; what is before it does not count again. Returns the match."""
        def probe():
            text = self.text()
            found = re.compile(pattern, re.MULTILINE).search(text, self.mark)
            if found:
                # only whole lines: what is written in this moment is not read in half
                end = text.find("\n", found.end())
                if end < 0:
                    return None
                self.mark = end
            elif self.process is None or not self.process.running():
                raise Failure(f"the board ended before {pattern!r}:\n" + text + self.process.text())
            return found
        return wait_for(pattern, probe)

    def figures(self):
        line = self.sees(r"figures (.*)$").group(1)
        return {name: int(number) for name, number in (pair.split("=") for pair in line.split())}


def steps(hub, board):
    """What has to be seen, in this order; yields one line a step."""
    board.start()
    board.sees(r"off -> making-key: started.*provisioning")
    board.sees(r"-> dps-storing")
    board.sees(r"assigned to 127\.0\.0\.2:\d+, stored generation 1$")
    board.sees(r"-> hub-subscribing: proven: generation 1")
    first = board.figures()
    yield f"provisioned and connected: {first}"
    device = next(one for one in hub.cli("device", "list")["value"] if one["name"] == DEVICE)
    expect(first["flash_writes"] <= 3, f"first provisioning writes at most 3 records: {first}")
    yield f"the hub knows it: {device['name']}"

    board.stop()
    board.start()
    board.sees(r"off -> hub-connecting: started with slot ., generation 1")
    board.sees(r"connected to .* with generation 1")
    again = board.figures()
    expect(again["flash_writes"] == 0 and again["sectors_erased"] == 0, f"a plain reconnect writes nothing: {again}")
    yield f"restarted, connected with what lay in flash, no write: {again}"

    hub.cli("device", "revoke", "-n", DEVICE, "-y")
    board.sees(r"refused by hub \(code 5\)|refused by .*\(code 5\)")
    board.sees(r"-> dps-storing")
    board.sees(r"stored generation 2$")
    board.sees(r"-> hub-subscribing: proven: generation 2")
    back = board.figures()
    yield f"revoked, refused with CONNACK 5, back with a new certificate: {back}"

    # Far enough that the renewal's point has passed, and the certificate not yet
    offset_s = LIFETIME_DAYS * 86400 * (RENEW_AT_PERMILLE + 50) // 1000
    board.stop()
    hub.set_clock(offset_s)
    wait_for("the hub goes by its clock", lambda: hub.clock_follows(offset_s))
    board.start(offset_s)
    board.sees(r"connected to .* with generation 2")
    before = board.figures()
    board.sees(r"renewing over the live session")
    board.sees(r"renewed: stored generation 3")
    board.sees(r"proven: generation 3")
    after = board.figures()
    writes = after["flash_writes"] - before["flash_writes"]
    expect(writes <= 3, f"a renewal writes at most 3 records: {writes}")
    yield f"renewed over the live session, {writes} writes, connected with the new certificate: {after}"

    grown = [after]
    for _ in range(ROUNDS):
        hub.cli("device", "revoke", "-n", DEVICE, "-y")
        board.sees(r"refused by .*\(code 5\)")
        board.sees(r"connected to ")
        grown.append(board.figures())
    growth = grown[-1]["heap_now"] - grown[1]["heap_now"]
    # What a session holds differs by some bytes, as signatures and serial numbers do in DER; blocks would not be so small
    expect(abs(growth) <= DER_DIFFERS, f"the heap does not grow from revocation to revocation: {growth}")
    yield f"revoked and back {ROUNDS} times since power-on: heap from {grown[1]['heap_now']} to {grown[-1]['heap_now']}"

    for moment in (r"-> storing-key", r"-> dps-registering", r"-> dps-storing", r"-> hub-connecting"):
        hub.cli("device", "revoke", "-n", DEVICE, "-y")
        board.sees(r"refused by .*\(code 5\)")
        board.sees(moment)
        board.stop()
        board.start(offset_s)
        board.sees(r"connected to ")
        board.figures()
    yield "the plug pulled in the middle of provisioning, four times: back each time"
    yield "FIGURES " + json.dumps({"first": first, "reconnect": again, "revoked": back, "renewed": after,
                                   "last": grown[-1], "renewal_writes": writes, "growth": growth})


def no_secrets(board):
    text = board.text()
    expect(board.key not in text and "PRIVATE" not in text and "SharedAccessSignature" not in text,
           "the log shows a secret")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--image", type=pathlib.Path, required=True)
    options.add_argument("--key-profile", default="ec-p256", help="of the hub's CAs; ec-p384 needs an image with P-384")
    options.add_argument("--figures", type=pathlib.Path)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # a broker started by root runs as another user
        hub = Hub(options.bin.resolve(), folder, options.key_profile)
        board = None
        try:
            board = Board(options.image.resolve(), folder / "board", hub)
            for line in steps(hub, board):
                print(line, flush=True)
                if options.figures and line.startswith("FIGURES "):
                    options.figures.write_text(line.removeprefix("FIGURES ") + "\n")
            no_secrets(board)
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            if board is not None:
                print(board.text(), file=sys.stderr)
            return 1
        finally:
            if board is not None:
                board.stop()
            hub.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
