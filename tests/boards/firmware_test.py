# SPDX-License-Identifier: Apache-2.0
"""Signed firmware on the emulated Cortex-M4, from end to end: a release is signed and stamped by the hub's signing service,
offered in a campaign, and taken by the board over the session that it has anyway. An image that the hub gives out changed is
refused; the plug is pulled in the middle of a download, which then goes on where it was; restarted, tried, confirmed. The
next release is revoked from a moment between the two, and the board goes back.

    firmware_test.py --bin FOLDER_OF_LATCHKEY --image ELF [--key-profile ec-p384] [--figures FILE]

Waits for conditions, bounded; ends only the processes that it started. Exit status 0 when all was seen."""
import argparse
import json
import pathlib
import re
import sys
import time

from board import CortexM, run
from hub import expect, wait_for
from vendor import Vendor

BLOCK = 4096
FIRST_SIZE, SECOND_SIZE = 160_000, 40_000
PROGRESS = 65_536  # of an image goes on record (agent/update/updater.h)
LATER_S = 7200


def report(board, words):
    line = board.sees(rf"firmware: {words} (instructions=.*)$").group(1)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def lies_in_flash(board, image):
    """Whether `image`, so much of it, lies in one of the board's slots."""
    return image in (board.folder / "firmware.bin").read_bytes()


def restarts(board, offset_s=0):
    board.sees(r"firmware: restarting")
    expect(board.ends() == 0, "a restart is the end of the emulator")
    board.start({"clock-offset-s": offset_s})


def publish(hub, board, bundle):
    return hub.cli("firmware", "publish", bundle, "--devices", board.device)["name"]


def change_what_is_given_out(hub):
    """One bit of the image in the only bundle that the hub keeps. Returns what puts it right."""
    file = next(one for one in (hub.data / "firmware").iterdir() if one.stat().st_size > FIRST_SIZE)
    good = file.read_bytes()
    file.write_bytes(good[:-5000] + bytes([good[-5000] ^ 1]) + good[-4999:])
    return lambda: file.write_bytes(good)


def hub_knows(hub, campaign):
    """That the board runs its image."""
    wait_for("the hub knows what runs",
             lambda: hub.cli("firmware", "status", campaign)["properties"]["progress"]["running"] == 1)


def first_release(hub, board, vendor):
    bundle = vendor.release("1.1.0", FIRST_SIZE)
    image = bundle.with_suffix("").read_bytes()
    vendor.trust(board.folder)
    board.write_private("firmware.bin", "")
    board.start()
    board.sees(r"firmware: slot A")
    board.sees(r"connected to ")
    campaign = publish(hub, board, bundle)
    mend = change_what_is_given_out(hub)
    judged = report(board, r"refused 1\.1\.0 contentChanged")
    yield f"the hub gives out a changed image: its signature is good, and it is refused by what lies in the slot: {judged}"

    mend()
    hub.cli("firmware", "withdraw", campaign)
    board.stop()
    board.write_private("firmware.bin", "")
    board.start()
    campaign = publish(hub, board, bundle)
    report(board, r"fetching 1\.1\.0 good")
    wait_for("more than one record of progress", lambda: lies_in_flash(board, image[:PROGRESS + 3 * BLOCK]))
    board.stop()
    expect(not lies_in_flash(board, image), "the plug was pulled before the end")
    board.start()
    ready = report(board, r"ready 1\.1\.0 good")
    expect(lies_in_flash(board, image), "all of it lies in a slot")
    blocks = -(-FIRST_SIZE // BLOCK)
    expect(ready["flash_writes"] < blocks, f"it went on where it was, {blocks} blocks are the whole: {ready}")
    yield f"the right one, the plug pulled in the middle of the download: gone on with: {ready}"

    restarts(board)
    board.sees(r"firmware: slot B")
    board.sees(r"connected to ")
    confirmed = report(board, r"confirmed 1\.1\.0 good")
    hub_knows(hub, campaign)
    yield "restarted into slot B, connected, confirmed; the hub knows"
    return campaign, {"judged": judged, "ready": ready, "confirmed": confirmed}


def second_release(hub, board, vendor, campaign):
    between = time.time() + LATER_S // 2
    board.stop()
    hub.set_clock(LATER_S)
    wait_for("the hub goes by its clock", lambda: hub.clock_follows(LATER_S))
    bundle = vendor.release("1.2.0", SECOND_SIZE)
    board.start({"clock-offset-s": LATER_S})
    board.sees(r"firmware: slot B")
    board.sees(r"connected to ")
    publish(hub, board, bundle)
    report(board, r"ready 1\.2\.0 good")
    restarts(board, LATER_S)
    board.sees(r"firmware: slot A")
    report(board, r"confirmed 1\.2\.0 good")
    yield "two hours later the next release: fetched, tried, confirmed in slot A"

    vendor.revoke(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(between)))
    report(board, r"revoked 1\.2\.0 revoked")
    report(board, r"goingBack 1\.1\.0 good")
    restarts(board, LATER_S)
    board.sees(r"firmware: slot B")
    back = report(board, r"confirmed 1\.1\.0 good")
    hub_knows(hub, campaign)
    yield "its certificate revoked from between the two: back to 1.1.0, which was signed before"
    return back


def steps(hub, board):
    """What has to be seen, in this order; yields one line a step."""
    vendor = Vendor(hub, board.folder.with_name("vendor"))
    yield "an account, an identity, a profile"
    campaign, figures = yield from first_release(hub, board, vendor)
    figures["back"] = yield from second_release(hub, board, vendor, campaign)
    yield "FIGURES " + json.dumps(figures)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--image", type=pathlib.Path, required=True)
    options.add_argument("--key-profile", default="ec-p384", help="of the hub's CAs")
    options.add_argument("--figures", type=pathlib.Path)
    options = options.parse_args()
    options.board, options.device = CortexM, "board-3"
    options.hub_options = ("--signing-listen", "127.0.0.1:0", "--signing-open-listen", "127.0.0.1:0",
                           "--signing-ca-keys", "ec-p384")  # what costs a board most
    return run(options, steps)


if __name__ == "__main__":
    sys.exit(main())
