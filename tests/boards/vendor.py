# SPDX-License-Identifier: Apache-2.0
"""Who makes firmware: an account at a hub's signing service, whose releases are signed, stamped, and taken back."""
import base64
import pathlib

PROFILE = ("-g", "Factory", "--account-name", "contoso", "--profile-name", "release")
BOARD = "latchkey-emulated-1"  # boards/emulated/signed_firmware.cpp


def der(pem):
    """Of the first block of a PEM file."""
    lines = pathlib.Path(pem).read_text().splitlines()
    end = next(at for at, line in enumerate(lines) if line.startswith("-----END"))
    return base64.b64decode("".join(lines[1:end]))


def octets(dotted):
    """The content of an object identifier (X.690 section 8.19)."""
    first, second, *more = map(int, dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *more):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(digits))
    return bytes(out)


class Vendor:
    """The hub runs with --signing-listen and --signing-open-listen."""

    def __init__(self, hub, folder):
        self.hub, self.folder = hub, folder
        folder.mkdir()
        account = ("-g", "Factory", "--account-name", "contoso")
        hub.cli("provider", "register", "--namespace", "Microsoft.CodeSigning")
        hub.cli("group", "create", "--name", "Factory", "--location", "EastUS")
        hub.cli("trustedsigning", "create", "-n", "contoso", "-l", "eastus", "-g", "Factory", "--sku", "Basic")
        hub.cli("role", "token", "create", "-n", "signer", "--out", folder / "token")
        hub.cli("role", "assignment", "create", "--assignee", "signer", "--role",
                "Artifact Signing Certificate Profile Signer", "--scope", "/")
        identity = hub.cli("signing", "identity", "create", *account, "--accept-terms", "--organization-name", "Contoso Inc",
                           "--website-url", "https://contoso.com", "--primary-email", "legal@contoso.com",
                           "--secondary-email", "ops@contoso.com", "--business-identifier", "4711", "--incorporated-on",
                           "2015-03-31", "--street", "1 Main Street", "--city", "New York", "--state", "New York",
                           "--country", "US", "--postal-code", "10001")["name"]
        for event in ("emailVerified", "accept"):  # plays who reads the e-mail, and the verifier
            hub.cli("signing", "identity", "decide", "--id", identity, "--event", event)
        hub.cli("trustedsigning", "certificate-profile", "create", "-n", "release", *account, "--profile-type", "PublicTrust",
                "--identity-validation-id", identity)

    def release(self, version, size):
        """A signed bundle: its file. The image is different for each version."""
        image = self.folder / f"firmware-{version}.bin"
        image.write_bytes(bytes((at * 7 + at // 251 + len(version) + ord(version[2])) & 0xFF for at in range(size)))
        self.hub.run("sign", image, "--board", BOARD, "--version", version, "--account", "contoso", "--profile", "release",
                     "--token-file", self.folder / "token")
        return image.with_name(image.name + ".lkb")

    def certificate(self):
        return self.hub.cli("signing", "certificate", "list", *PROFILE)["value"][0]

    def revoke(self, since):
        self.hub.cli("signing", "certificate", "revoke", *PROFILE, "--thumbprint", self.certificate()["thumbprint"], "--reason",
                     "KeyCompromised", "--effective-at", since, "--remarks", "laptop stolen", "-y")

    def trust(self, folder):
        """What a board is given when it is onboarded, as files of its folder."""
        key = self.folder / "statements.pem"
        self.hub.cli("firmware", "statement-key", "--out", key)
        for name, content in (("signing-root.der", der(self.hub.data / "signing" / "roots.pem")),
                              ("timestamp-root.der", der(self.hub.data / "signing" / "timestamp-roots.pem")),
                              ("statement-key.der", der(key)),
                              ("eku.oid", octets(self.certificate()["enhancedKeyUsage"]))):
            (folder / name).write_bytes(content)
