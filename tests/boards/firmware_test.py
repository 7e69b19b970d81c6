# SPDX-License-Identifier: Apache-2.0
"""Signed firmware on the emulated Cortex-M4: a bundle signed by RSA-3072 is judged on the device while it lives against a
real `latchkey up`; refused when its image was changed; stored, tried, confirmed once the device is connected; gone back from
when its certificate is revoked. The plug is pulled in the middle. The bundle is a file: no topic carries one yet.

    firmware_test.py --bin FOLDER_OF_LATCHKEY_AND_MAKE_BUNDLE --image ELF [--key-profile ec-p384] [--figures FILE]

Waits for conditions, bounded; ends only the processes that it started. Exit status 0 when all was seen."""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

from board import CortexM, run
from hub import expect


def report(board, words):
    line = board.sees(rf"firmware: {words} (instructions=.*)$").group(1)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def restarts(board):
    board.sees(r"firmware: restarting")
    expect(board.ends() == 0, "a restart is the end of the emulator")
    board.start()


def steps(_, board, make_bundle):
    """What has to be seen, in this order; yields one line a step."""
    subprocess.run([make_bundle, board.folder], check=True)
    good = (board.folder / "bundle.bin").read_bytes()
    board.write_private("firmware.bin", "")
    shutil.copy(board.folder / "changed.bin", board.folder / "bundle.bin")
    board.start()
    board.sees(r"firmware: slot A")
    judged = report(board, r"refused 1\.2\.0 contentChanged")
    yield f"a changed image: its signature judged good, and refused by what lies in the slot: {judged}"

    board.stop()
    (board.folder / "bundle.bin").write_bytes(good)
    board.start()
    report(board, r"fetching 1\.2\.0 good")
    board.stop()
    board.start()
    ready = report(board, r"ready 1\.2\.0 good")
    yield f"the right one, the plug pulled while it was fetched: gone on with: {ready}"

    restarts(board)
    board.sees(r"firmware: slot B")
    board.sees(r"connected to ")
    whole = report(board, r"confirmed 1\.2\.0 good")
    yield "restarted into slot B, connected, confirmed"

    board.stop()
    board.start()
    board.sees(r"firmware: slot B")
    report(board, r"upToDate 1\.2\.0 good")
    yield "what runs is not fetched again"

    board.stop()
    shutil.copy(board.folder / "revoked.bin", board.folder / "statement.bin")
    board.start()
    report(board, r"revoked 1\.2\.0 revoked")
    report(board, r"goingBack 1\.0\.0 good")
    restarts(board)
    board.sees(r"firmware: slot A")
    back = report(board, r"confirmed 1\.0\.0 good")
    yield "its certificate revoked from before its timestamp: back to slot A, confirmed"
    yield "FIGURES " + json.dumps({"judged": judged, "ready": ready, "confirmed": whole, "back": back})


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--image", type=pathlib.Path, required=True)
    options.add_argument("--key-profile", default="ec-p384", help="of the hub's CAs")
    options.add_argument("--figures", type=pathlib.Path)
    options = options.parse_args()
    options.board, options.device = CortexM, "board-3"
    make_bundle = options.bin.resolve() / "make_bundle"
    return run(options, lambda hub, board: steps(hub, board, make_bundle))


if __name__ == "__main__":
    sys.exit(main())
