# SPDX-License-Identifier: Apache-2.0
"""An emulated board: one folder is one device, with what the factory wrote and its flash. Its log is read from the mark
on, so that nothing is seen twice."""
import base64
import hashlib
import hmac
import os
import pathlib
import re
import shutil
import sys
import tempfile

from hub import PATIENCE_S, Failure, Hub, Process, expect, wait_for


class Board:
    def __init__(self, image, folder, hub, device):
        self.image, self.folder, self.hub, self.device = image, folder, hub, device
        self.process = None
        self.log = folder / "log"
        self.mark = 0
        folder.mkdir(mode=0o700)
        shutil.copy(hub.endpoints["caFile"], folder / "trust.pem")
        group = base64.b64decode(pathlib.Path(hub.endpoints["enrollmentKeyFile"]).read_text())
        self.key = base64.b64encode(hmac.new(group, device.encode(), hashlib.sha256).digest()).decode()
        self.write_private("flash.bin", "")

    def write_private(self, name, text):
        with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)

    def start_with(self, command, settings, output, shift=0):
        """`shift`: an instruction takes 2^shift nanoseconds of the board's time."""
        lines = {"registration-id": self.device, "id-scope": self.hub.endpoints["idScope"],
                 "dps": self.hub.endpoints["dps"], "key": self.key, "telemetry-ms": 1000, "retry-initial-ms": 200,
                 "slow-retry-ms": 2000} | settings
        self.write_private("factory.conf", "".join(f"{name}={value}\n" for name, value in lines.items()))
        self.mark = len(self.text())
        self.process = Process([*command, "-display", "none", "-monitor", "none", "-icount", f"shift={shift}",
                                "-semihosting-config", "enable=on,target=native", "-kernel", self.image], self.folder, output)

    def stop(self):
        """Pulls the plug: the board is not asked."""
        if self.process is None:
            return
        self.process.process.kill()
        self.process.end()
        self.process = None

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def sees(self, pattern, patience_s=PATIENCE_S):
        """Waits for a line from here on; what is before it does not count again. Returns the match."""
        def probe():
            ended = self.process is None or not self.process.running()  # asked first: what it said last is in the text
            text = self.text()
            found = re.compile(pattern, re.MULTILINE).search(text, self.mark)
            if found:
                # only whole lines: what is written in this moment is not read in half
                end = text.find("\n", found.end())
                if end < 0:
                    return None
                self.mark = end
            elif ended:
                raise Failure(f"the board ended before {pattern!r}:\n" + text)
            return found
        return wait_for(pattern, probe, patience_s)

    def ends(self):
        """Waits for the emulator to end by itself. Returns its status."""
        wait_for("the end of the emulator", lambda: not self.process.running())
        self.process.end()
        status, self.process = self.process.process.returncode, None
        return status

    def figures(self):
        line = self.sees(r"figures (.*)$").group(1)
        return {name: int(number) for name, number in (pair.split("=") for pair in line.split())}

    def shows_no_secret(self):
        text = self.text()
        return self.key not in text and "PRIVATE" not in text and "SharedAccessSignature" not in text


class CortexM(Board):
    """Its serial line is the log; lwIP has QEMU's user network."""

    def start(self, settings=None):
        self.start_with(["qemu-system-arm", "-M", "mps2-an386", "-nic", "user", "-chardev", "file,id=log,path=log,append=on",
                         "-serial", "chardev:log"], settings or {}, self.folder / "qemu.log")


class RiscV(Board):
    """Its serial line is a TCP connection to one endpoint; the log goes to the console. It does not sleep while it waits:
    at 2^3 ns an instruction a second of its time costs the host as little as it can, and servers wait no longer."""

    def start(self, wire, settings=None):
        self.start_with(["qemu-system-riscv32", "-M", "virt", "-bios", "none", "-nic", "none", "-serial", f"tcp:{wire}"],
                        {"wire": wire} | (settings or {}), self.log, shift=3)


def run(test, steps):
    """A hub, a board, and the steps of a test, printed as they are seen; its figures go to a file. `test` has the options
    --bin, --image, --key-profile and --figures, the class of its board, and the device's name. Returns the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # a broker started by root runs as another user
        hub = Hub(test.bin.resolve(), folder, test.key_profile, getattr(test, "hub_options", ()))
        board = None
        try:
            board = test.board(test.image.resolve(), folder / "board", hub, test.device)
            for line in steps(hub, board):
                print(line, flush=True)
                if test.figures and line.startswith("FIGURES "):
                    test.figures.write_text(line.removeprefix("FIGURES ") + "\n")
            expect(board.shows_no_secret(), "the log shows a secret")
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
