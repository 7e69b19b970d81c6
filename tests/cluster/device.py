# SPDX-License-Identifier: Apache-2.0
"""A simulated device: provisions over MQTT with a CSR, connects with its certificate, sends telemetry. What it sees is
recorded. No library between it and the socket, so that "closed without an answer" is not taken for anything else.
"""
import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from history import OK, REFUSED, UNKNOWN, now_us

PATIENCE_S = 10
POLLS = 200
CREDENTIAL_ARC = 163099170488962020191184446638292780055  # below 2.25
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90


class Lost(Exception):
    """No answer: refused by the network, closed, or nothing came in time."""


class Refused(Exception):
    """An answer that says no; its code."""


def _text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(head, body):
    size, length = len(body), bytearray()
    while True:
        size, low = divmod(size, 128)
        length.append(low | (128 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body


def client_context(ca_file, identity_file=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # it may come through a balancer; which node it met it says by the certificate
    context.load_verify_locations(ca_file)
    if identity_file is not None:
        context.load_cert_chain(identity_file)
    return context


def _node_of(tls):
    return hashlib.sha256(tls.getpeercert(True)).hexdigest()[:16]


def node_at(address, ca_file):
    """The name, in histories, of the node that answers there. OSError: none does."""
    with socket.create_connection(address, PATIENCE_S) as raw, client_context(ca_file).wrap_socket(raw) as tls:
        return _node_of(tls)


class Link:
    """One MQTT connection over TLS. Lost and Refused come from every call."""

    def __init__(self, address, context, client_id, username, password=None):
        self.socket = None
        try:
            raw = socket.create_connection(address, PATIENCE_S)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = raw
            self.socket = context.wrap_socket(raw)
            self.node = _node_of(self.socket)
            flags = 0x82 | (0x40 if password else 0)  # clean session, user name
            body = _text("MQTT") + bytes([4, flags, 0, 0]) + _text(client_id) + _text(username)
            self.socket.sendall(_packet(CONNECT, body + (_text(password) if password else b"")))
            head, answer = self.receive()
        except OSError as error:
            self.close()
            raise Lost(str(error)) from error
        except Lost:
            self.close()
            raise
        if head != CONNACK or answer[1] != 0:
            self.close()
            raise Refused(answer[1])

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except OSError as error:
                raise Lost(str(error)) from error
            if not more:
                raise Lost("closed")
            data += more
        return data

    def receive(self):
        head, size, shift = self._exactly(1)[0], 0, 0
        while True:
            byte = self._exactly(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return head, self._exactly(size)

    def _send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Lost(str(error)) from error

    def _await(self, wanted):
        while True:
            head, body = self.receive()
            if head & 0xf0 == wanted & 0xf0:
                return body

    def subscribe(self, topic):
        self._send(_packet(SUBSCRIBE, b"\0\1" + _text(topic) + b"\0"))
        if self._await(SUBACK)[2] > 2:
            raise Refused("subscription")

    def ask(self, topic, payload):
        """Publishes with quality 0 and waits for a message: its topic and payload."""
        self._send(_packet(PUBLISH, _text(topic) + payload))
        body = self._await(PUBLISH)
        size = int.from_bytes(body[:2], "big")
        return body[2:2 + size].decode(), body[2 + size:]

    def publish(self, topic, payload):
        """With quality 1: returns when it was acknowledged."""
        self._send(_packet(PUBLISH | 2, _text(topic) + b"\0\2" + payload))
        self._await(PUBACK)

    def leave(self):
        try:
            self.socket.sendall(b"\xe0\0")
        except OSError:
            pass
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()


def _base_128(value):
    return bytes([value >> shift & 127 | 128 for shift in range(value.bit_length() // 7 * 7, 0, -7)] + [value & 127])


def _element(der, at):
    """Where the content of the DER element at `at` begins and ends."""
    size, begin = der[at + 1], at + 2
    if size & 128:
        begin += size & 127
        size = int.from_bytes(der[at + 2:begin], "big")
    return begin, begin + size


class Leaf:
    """What is looked at of a certificate. Debian's cryptography reads none with an arc of more than 64 bits in it."""

    def __init__(self, der):
        at, _ = _element(der, _element(der, 0)[0])  # TBSCertificate: version, serial, algorithm, issuer
        begin, end = _element(der, _element(der, at)[1])
        self.serial = der[begin:end].lstrip(b"\0").hex()
        begin, end = _element(der, _element(der, end)[1])
        self.issuer = "CN=" + der[begin:end].partition(b"\x06\x03\x55\x04\x03")[2][2:].decode()
        oid = bytes([105]) + _base_128(CREDENTIAL_ARC)
        _, found, rest = der.partition(bytes([6, len(oid)]) + oid + b"\4")
        if not found:
            raise ValueError("a certificate without a credential id")
        self.cid = rest[1:1 + rest[0]][-16:].hex()
        self.sha = hashlib.sha256(der).hexdigest()


def _first_certificate(pem):
    end = "-----END CERTIFICATE-----"
    return pem[pem.index("-----BEGIN CERTIFICATE"):].partition(end)[0] + end


class Identity:
    """A certificate with its key, as a file that OpenSSL loads."""

    def __init__(self, file):
        self.file = file
        pem = file.read_text(encoding="ascii")
        leaf = Leaf(ssl.PEM_cert_to_DER_cert(_first_certificate(pem)))
        self.serial, self.issuer, self.cid, self.sha = leaf.serial, leaf.issuer, leaf.cid, leaf.sha
        self.context = None

    def facts(self):
        return {"cid": self.cid, "issuer": self.issuer, "sha": self.sha}


class Place:
    """Where devices come: addresses of hub and DPS endpoints, and what they must know to be provisioned."""

    def __init__(self, hubs, dps, ca_file, id_scope, key, name="127.0.0.1"):
        self.hubs, self.dps, self.ca_file, self.id_scope, self.key = hubs, dps, ca_file, id_scope, key
        self.name = name  # of the hub, in user names


def sas_token(place, device, key):
    resource = urllib.parse.quote(f"{place.id_scope}/registrations/{device}", safe="")
    mine = hmac.digest(base64.b64decode(key), device.encode(), "sha256")
    expires = int(time.time()) + 24 * 3600
    signature = base64.b64encode(hmac.digest(mine, f"{resource}\n{expires}".encode(), "sha256"))
    return (f"SharedAccessSignature sr={resource}&sig={urllib.parse.quote(signature, safe='')}&skn=registration"
            f"&se={expires}")


def connect(recorder, place, device, identity, address, session, **more):
    """The session's link, or None; recorded as a connect either way. Also: was it refused for good (CONNACK 5)?"""
    if identity.context is None:
        identity.context = client_context(place.ca_file, identity.file)
    link, outcome, code, start = None, OK, 0, now_us()
    node = None
    try:
        link = Link(address, identity.context, device, f"{place.name}/{device}/?api-version=2021-04-12")
        node = link.node
    except Refused as refused:
        outcome, code = REFUSED, refused.args[0]
    except Lost as lost:
        outcome, code = UNKNOWN, str(lost)[:60]
    recorder.record("connect", on=f"device:{device}", **identity.facts(), outcome=outcome, node=node,
                    s=session if link else None, start=start, end=now_us(), **({"code": code} if code else {}), **more)
    return link, code == 5


def work(recorder, device, session, link):
    """True when the session got it done."""
    start = now_us()
    try:
        link.publish(f"devices/{device}/messages/events/", b"1")
    except Lost:
        return False
    recorder.record("alive", on=f"device:{device}", s=session, start=start, end=now_us())
    return True


def provision(recorder, place, device, file, address, dps_context, policy=None):
    """A new key and a certificate for it, into that file; None when there was none to be had."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, device)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    body = {"registrationId": device,
            "csr": base64.b64encode(csr.public_bytes(serialization.Encoding.DER)).decode()}
    start, outcome, chain, code = now_us(), UNKNOWN, None, 0
    try:
        chain = _register(place, device, address, dps_context, body)
        outcome = OK
    except Refused as refused:
        outcome, code = REFUSED, refused.args[0]
    except (Lost, ValueError, KeyError) as error:
        code = str(error)[:60]
    recorder.record("op", act="device.provision", on=f"device:{device}", outcome=outcome, start=start, end=now_us(),
                    **({"code": code} if code else {}))
    if chain is None:
        return None
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                            serialization.NoEncryption())
    pem += "".join(ssl.DER_cert_to_PEM_cert(base64.b64decode(one)) for one in chain[:2]).encode()  # not the root
    fresh = file.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem)
    fresh.rename(file)
    identity = Identity(file)
    recorder.record("certificate", on=f"device:{device}", serial=identity.serial, **identity.facts(),
                    **({"policy": policy} if policy else {}), start=start, end=now_us())
    return identity


def _register(place, device, address, context, body):
    """The certificate chain, in base64. A refusal is one only before anything was asked for."""
    link = Link(address, context, device, f"{place.id_scope}/registrations/{device}/api-version=2025-08-01-preview",
                sas_token(place, device, place.key))
    try:
        link.subscribe("$dps/registrations/res/#")
        topic, answer = link.ask("$dps/registrations/PUT/iotdps-register/?$rid=1", json.dumps(body).encode())
        for poll in range(POLLS):
            status = int(topic.split("/")[3])
            if 400 <= status < 500:
                raise Refused(status) if poll == 0 else Lost(f"status {status}")
            answer = json.loads(answer)
            state = answer.get("registrationState")
            if status == 200 and answer.get("status") == "assigned":
                return state["issuedCertificateChain"]
            if status == 200:
                raise Refused(answer.get("status"))
            if status != 202:
                raise Lost(f"status {status}")
            if poll:
                time.sleep(0.02)
            topic, answer = link.ask(f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid={poll + 2}"
                                     f"&operationId={answer['operationId']}", b" ")
        raise Lost("polled in vain")
    finally:
        link.leave()
