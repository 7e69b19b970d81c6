#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the NVS image of one board's partition `onboarding`: who it is, how it proves it, and whom it trusts.

  make_onboarding_image.py --registration-id pump-17 --id-scope 0ne00ABCDEF --dps hub.example:8883 \\
      --trust servers.pem --key-file pump-17.key --output pump-17.bin
  python -m esptool --port /dev/ttyUSB0 write_flash 0x24000 pump-17.bin

Needs ESP-IDF's environment (`. $IDF_PATH/export.sh`), whose NVS partition generator does the writing. Files that hold a
secret have to be their owner's alone (0600); so is what is written."""
import argparse
import base64
import binascii
import csv
import hashlib
import hmac
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

NAMESPACE = "latchkey"
SIZE = 0x6000  # of the partition in partitions.csv
LONGEST = {"trust": 3999, "certificate": 3999, "certificate-key": 3999}
LINE = 159
FIRMWARE_MAX = {"firmware-roots": 4096, "firmware-stamps": 4096, "firmware-key": 128, "firmware-pins": 160}
ROOTS_MAX = PINS_MAX = 4
FIRMWARE = ("board", "roots", "timestamp_roots", "statement_key", "pin")
REGISTRATION_ID = re.compile(r"^[a-zA-Z0-9._:-]{1,127}[a-zA-Z0-9]$|^[a-zA-Z0-9]$")


class Mistake(Exception):
    pass


def read_secret(path):
    mode = os.stat(path).st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Mistake(f"{path}: others may read it; chmod 600")
    return pathlib.Path(path).read_text(encoding="ascii")


def symmetric_key(options):
    try:
        key = base64.b64decode(read_secret(options.key_file).strip(), validate=True)
    except binascii.Error as error:
        raise Mistake(f"{options.key_file}: is no base64") from error
    if not 16 <= len(key) <= 64:
        raise Mistake(f"{options.key_file}: a key has 16 to 64 bytes")
    if options.group_key:
        # The group's key stays at the factory: a board gets what is derived for it alone.
        key = hmac.new(key, options.registration_id.encode("ascii"), hashlib.sha256).digest()
    return base64.b64encode(key).decode("ascii")


def pem(path, label, secret=False):
    text = read_secret(path) if secret else pathlib.Path(path).read_text(encoding="ascii")
    blocks = re.findall(rf"-----BEGIN {label}-----[^-]+-----END {label}-----", text)
    if not blocks:
        raise Mistake(f"{path}: holds no {label.replace('(?:EC )?', '')} in PEM")
    return "\n".join(blocks) + "\n"


def ders(path, label):
    """What the blocks of a PEM file hold, one behind the other, and how many they are."""
    blocks = re.findall(rf"-----BEGIN {label}-----([^-]+)-----END {label}-----", pathlib.Path(path).read_text(encoding="ascii"))
    try:
        return b"".join(base64.b64decode("".join(block.split()), validate=True) for block in blocks), len(blocks)
    except binascii.Error as error:
        raise Mistake(f"{path}: is no PEM") from error


def roots(path):
    content, count = ders(path, "CERTIFICATE")
    if not 1 <= count <= ROOTS_MAX:
        raise Mistake(f"{path}: holds {count} certificates; 1 to {ROOTS_MAX} are wanted")
    return content


def object_identifier(dotted):
    """In DER (X.690 section 8.19)."""
    if not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*))+", dotted):
        raise Mistake(f"--firmware-pin: {dotted} is no object identifier")
    first, second, *more = map(int, dotted.split("."))
    if first < 2 and second > 39:
        raise Mistake(f"--firmware-pin: {dotted} is no object identifier")
    content = bytearray()
    for arc in (first * 40 + second, *more):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | (arc & 0x7F))
        content += bytes(reversed(digits))
    if len(content) > 0x7F:
        raise Mistake(f"--firmware-pin: {dotted} is too long")
    return bytes([0x06, len(content)]) + bytes(content)


def firmware_entries(options):
    """Whose firmware the board takes: blobs of DER, but for the board's name."""
    if not options.firmware_board:
        return {}
    if not re.fullmatch(r"[!-~]{1,64}", options.firmware_board):
        raise Mistake("--firmware-board: up to 64 printable characters without space")
    if len(options.firmware_pin) > PINS_MAX:
        raise Mistake(f"--firmware-pin: at most {PINS_MAX}")
    key, keys = ders(options.firmware_statement_key, "PUBLIC KEY")
    if keys != 1:
        raise Mistake(f"{options.firmware_statement_key}: holds {keys} public keys; one is wanted")
    made = {"firmware-roots": roots(options.firmware_roots), "firmware-stamps": roots(options.firmware_timestamp_roots),
            "firmware-key": key, "firmware-pins": b"".join(map(object_identifier, options.firmware_pin))}
    for name, content in made.items():
        if len(content) > FIRMWARE_MAX[name]:
            raise Mistake(f"{name}: {len(content)} bytes are too many; {FIRMWARE_MAX[name]} fit")
    return {"firmware-board": options.firmware_board, **made}


def entries(options):
    if not REGISTRATION_ID.match(options.registration_id):
        raise Mistake("--registration-id: letters, digits and . _ : - , at most 128")
    made = {"registration-id": options.registration_id, "id-scope": options.id_scope, "dps": options.dps,
            "wifi-name": options.wifi_name, "trust": pem(options.trust, "CERTIFICATE")}
    if options.wifi_password_file:
        made["wifi-password"] = read_secret(options.wifi_password_file).rstrip("\r\n")
    if options.key_file:
        made["key"] = symmetric_key(options)
    else:
        made["certificate"] = pem(options.certificate, "CERTIFICATE")
        made["certificate-key"] = pem(options.certificate_key, "(?:EC )?PRIVATE KEY", secret=True)
    made = {key: value for key, value in made.items() if value}
    for key, value in made.items():
        if len(value) > LONGEST.get(key, LINE):
            raise Mistake(f"{key}: {len(value)} characters are too many")
    return {**made, **firmware_entries(options)}


def write_table(path, made):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "type", "encoding", "value"])
        rows.writerow([NAMESPACE, "namespace", "", ""])
        for key, value in made.items():
            binary = isinstance(value, bytes)
            rows.writerow([key, "data", *(("base64", base64.b64encode(value).decode("ascii")) if binary else ("string", value))])


def generator(options):
    if options.generator:
        return [sys.executable, options.generator]
    idf = os.environ.get("IDF_PATH")
    if not idf:
        raise Mistake("IDF_PATH is not set: . $IDF_PATH/export.sh, or name the generator with --generator")
    return [sys.executable, f"{idf}/components/nvs_flash/nvs_partition_generator/nvs_partition_gen.py"]


def make_image(options):
    command = generator(options)
    with tempfile.TemporaryDirectory() as folder:  # 0700, and gone in any case
        table, image = f"{folder}/table.csv", f"{folder}/image.bin"
        write_table(table, entries(options))
        done = subprocess.run(command + ["generate", table, image, hex(SIZE)], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not os.path.exists(image):
            raise Mistake(f"the NVS partition generator failed with status {done.returncode}")
        content = pathlib.Path(image).read_bytes()
    with os.fdopen(os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registration-id", required=True)
    parser.add_argument("--id-scope", help="without it menuconfig's")
    parser.add_argument("--dps", metavar="HOST[:PORT]", help="without it menuconfig's")
    parser.add_argument("--trust", required=True, metavar="PEM", help="the CAs that certify the servers; no others count")
    parser.add_argument("--key-file", help="the symmetric key in base64, as `latchkey enrollment key` prints it")
    parser.add_argument("--group-key", action="store_true", help="the key file holds the group's: derive the board's")
    parser.add_argument("--certificate", metavar="PEM", help="the onboarding certificate with its chain")
    parser.add_argument("--certificate-key", metavar="PEM")
    parser.add_argument("--wifi-name", help="without it menuconfig's")
    parser.add_argument("--wifi-password-file")
    parser.add_argument("--firmware-board", metavar="NAME", help="the board that bundles are for; without it there are no updates")
    parser.add_argument("--firmware-roots", metavar="PEM", help="the roots below which firmware is signed")
    parser.add_argument("--firmware-timestamp-roots", metavar="PEM")
    parser.add_argument("--firmware-statement-key", metavar="PEM", help="as `latchkey firmware statement-key` writes it")
    parser.add_argument("--firmware-pin", metavar="OID", action="append", help="a profile's durable EKU; up to four times")
    parser.add_argument("--generator", help="nvs_partition_gen.py, when it is not under IDF_PATH")
    parser.add_argument("--output", required=True)
    options = parser.parse_args(arguments)
    if bool(options.key_file) == bool(options.certificate):
        parser.error("one of --key-file and --certificate")
    if bool(options.certificate) != bool(options.certificate_key):
        parser.error("--certificate and --certificate-key go together")
    if options.group_key and not options.key_file:
        parser.error("--group-key speaks of --key-file")
    given = [getattr(options, f"firmware_{name}") for name in FIRMWARE]
    if any(given) and not all(given):
        parser.error("the --firmware options go together")
    return options


def main():
    try:
        make_image(parse(sys.argv[1:]))
    except (Mistake, OSError, UnicodeDecodeError) as mistake:
        print(f"make_onboarding_image.py: {mistake}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
