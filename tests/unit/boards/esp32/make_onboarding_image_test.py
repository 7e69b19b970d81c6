# SPDX-License-Identifier: Apache-2.0
"""boards/esp32/make_onboarding_image.py, with a generator of our own in the place of ESP-IDF's."""
import base64
import csv
import hashlib
import hmac
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[4] / "boards/esp32/make_onboarding_image.py"
# Takes what ESP-IDF's takes; the image is the table itself.
GENERATOR = """import os, shutil, sys
assert sys.argv[1] == "generate" and sys.argv[4] == "0x6000", sys.argv
assert os.stat(sys.argv[2]).st_mode & 0o077 == 0
shutil.copyfile(sys.argv[2], sys.argv[3])
"""
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PRIVATE_KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"
PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----\nMFk=\n-----END PUBLIC KEY-----\n"
KEY = bytes(range(32))


class MakeOnboardingImage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.write("generator.py", GENERATOR)
        self.write("trust.pem", "text before\n" + CERTIFICATE)
        self.write("key", base64.b64encode(KEY).decode() + "\n")

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def run_script(self, *options):
        path = self.folder
        return subprocess.run([sys.executable, SCRIPT, "--registration-id", "pump-17", "--trust", path / "trust.pem",
                               "--generator", path / "generator.py", "--output", path / "image", *options],
                              capture_output=True, text=True, check=False)

    def entries(self):
        with open(self.folder / "image", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual((rows[0]["key"], rows[0]["type"]), ("latchkey", "namespace"))
        self.assertTrue(all(row["type"] == "data" for row in rows[1:]))
        self.assertTrue(all(len(row["key"]) <= 15 for row in rows))
        read = {"string": str, "base64": base64.b64decode}
        return {row["key"]: read[row["encoding"]](row["value"]) for row in rows[1:]}

    def refused(self, *options):
        done = self.run_script(*options)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.folder / "image").exists())
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def test_key_of_the_board(self):
        done = self.run_script("--key-file", self.folder / "key", "--id-scope", "0ne1", "--dps", "hub.example")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.entries(), {"registration-id": "pump-17", "id-scope": "0ne1", "dps": "hub.example",
                                          "trust": CERTIFICATE, "key": base64.b64encode(KEY).decode()})
        self.assertEqual(os.stat(self.folder / "image").st_mode & 0o777, 0o600)

    def test_groups_key_does_not_get_onto_the_board(self):
        done = self.run_script("--key-file", self.folder / "key", "--group-key")
        self.assertEqual(done.returncode, 0, done.stderr)
        derived = hmac.new(KEY, b"pump-17", hashlib.sha256).digest()
        self.assertEqual(self.entries()["key"], base64.b64encode(derived).decode())

    def test_certificate_and_wifi(self):
        certificate = self.write("cert", CERTIFICATE * 2, 0o644)
        key = self.write("cert-key", "-----BEGIN EC PARAMETERS-----\nBgg=\n-----END EC PARAMETERS-----\n" + PRIVATE_KEY)
        password = self.write("wifi", "a, \"quoted\" one\n")
        done = self.run_script("--certificate", certificate, "--certificate-key", key, "--wifi-name", "plant",
                               "--wifi-password-file", password)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.entries(), {"registration-id": "pump-17", "trust": CERTIFICATE, "wifi-name": "plant",
                                          "wifi-password": "a, \"quoted\" one", "certificate": CERTIFICATE * 2,
                                          "certificate-key": PRIVATE_KEY})

    def test_secrets_that_others_may_read_are_refused(self):
        self.assertIn("chmod 600", self.refused("--key-file", self.write("open", "AAAA", 0o640)))
        key = self.write("open-key", PRIVATE_KEY, 0o644)
        self.assertIn("chmod 600", self.refused("--certificate", self.folder / "trust.pem", "--certificate-key", key))

    def test_what_the_board_would_refuse_is_refused(self):
        self.assertIn("base64", self.refused("--key-file", self.write("bad", "no base64!")))
        self.assertIn("16 to 64", self.refused("--key-file", self.write("short", "AAAA")))
        self.assertIn("too many", self.refused("--key-file", self.folder / "key", "--dps", "x" * 200))
        self.assertIn("CERTIFICATE", self.refused("--key-file", self.folder / "key", "--trust", self.folder / "key"))
        self.assertIn("letters", self.refused("--key-file", self.folder / "key", "--registration-id", "a b"))
        self.assertIn("one of", self.refused())
        self.assertIn("go together", self.refused("--certificate", self.folder / "trust.pem"))

    def firmware(self, pins=("1.2.3",), **other):
        files = {"roots": CERTIFICATE * 2, "timestamp-roots": CERTIFICATE, "statement-key": PUBLIC_KEY, **other}
        options = ["--key-file", self.folder / "key", "--firmware-board", "pump-2"]
        for name, text in files.items():
            options += [f"--firmware-{name}", self.write(name, text)]
        for pin in pins:
            options += ["--firmware-pin", pin]
        return options

    def test_whose_firmware_it_takes(self):
        done = self.run_script(*self.firmware(("1.2.840.113549", "1.3.4294967295")))
        self.assertEqual(done.returncode, 0, done.stderr)
        entries = self.entries()
        self.assertEqual({name: value for name, value in entries.items() if name.startswith("firmware")},
                         {"firmware-board": "pump-2", "firmware-roots": b"0\x82\x01" * 2, "firmware-stamps": b"0\x82\x01",
                          "firmware-key": b"0Y",
                          "firmware-pins": bytes.fromhex("06062a864886f70d 06062b8fffffff7f")})

    def test_firmware_that_the_board_would_refuse_is_refused(self):
        self.assertIn("0 certificates", self.refused(*self.firmware(roots=PUBLIC_KEY)))
        self.assertIn("5 certificates", self.refused(*self.firmware(roots=CERTIFICATE * 5)))
        large = "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(bytes(4097)).decode() + "\n-----END CERTIFICATE-----\n"
        self.assertIn("4097 bytes", self.refused(*self.firmware(roots=large)))
        self.assertIn("2 public keys", self.refused(*self.firmware(**{"statement-key": PUBLIC_KEY * 2})))
        for bad in ("3.1", "1.40", "1", "1..2", "1.02", "x", "1.2."):
            self.assertIn("object identifier", self.refused(*self.firmware((bad,))))
        self.assertIn("at most", self.refused(*self.firmware(("1.2.3",) * 5)))
        self.assertIn("go together", self.refused("--key-file", self.folder / "key", "--firmware-board", "pump-2"))
        self.assertIn("space", self.refused(*self.firmware(), "--firmware-board", "pump 2"))

    def test_generator_that_fails_is_told(self):
        self.write("generator.py", "import sys; sys.exit(3)")
        self.assertIn("status 3", self.refused("--key-file", self.folder / "key"))


if __name__ == "__main__":
    unittest.main()
