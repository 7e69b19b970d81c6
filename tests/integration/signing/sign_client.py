# SPDX-License-Identifier: Apache-2.0
"""A client of the data plane that shares no code with it: the requests of jsign's AzureTrustedSigningService, in its
order, with its polling (50 ms, growing to a second). It reads both spellings of the answers.

    sign_client.py sign URL TOKEN ACCOUNT PROFILE ALGORITHM DIGEST-BASE64 SIGNATURE-FILE CERTIFICATES-FILE
    sign_client.py get URL FILE [TOKEN]            prints the status
    sign_client.py stamp URL QUERY-FILE REPLY-FILE
"""
import base64
import json
import sys
import time
import urllib.error
import urllib.request

VERSION = "2022-06-15-preview"


def ask(method, url, token=None, body=None, kind="application/json"):
    request = urllib.request.Request(url, data=body, method=method)
    if body is not None:
        request.add_header("Content-Type", kind)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def sign(url, token, account, profile, algorithm, digest, signature_file, certificates_file):
    place = f"{url}/codesigningaccounts/{account}/certificateprofiles/{profile}/sign"
    body = json.dumps({"signatureAlgorithm": algorithm, "digest": digest}).encode()
    status, answer = ask("POST", f"{place}?api-version={VERSION}", token, body)
    if status != 202:
        print(status, answer.decode())
        return 1
    begun = json.loads(answer)
    operation = begun.get("operationId") or begun["id"]
    turn = 0
    while True:
        time.sleep(min(1.0, 0.05 + 0.01 * turn))
        turn += 1
        status, answer = ask("GET", f"{place}/{operation}?api-version={VERSION}", token)
        result = json.loads(answer)
        if status != 200 or result["status"] not in ("InProgress", "Running", "NotStarted"):
            break
    if result.get("status") != "Succeeded":
        print(status, answer.decode())
        return 1
    live = "result" not in result  # which has the members beside the status, and base64 of base64
    members = result if live else result["result"]
    collection = base64.b64decode(members["signingCertificate"], validate=True)
    with open(signature_file, "wb") as out:
        out.write(base64.b64decode(members["signature"], validate=True))
    with open(certificates_file, "wb") as out:
        out.write(base64.b64decode(collection, validate=True) if live else collection)
    return 0


def get(url, file, token=None):
    status, answer = ask("GET", url, token)
    with open(file, "wb") as out:
        out.write(answer)
    print(status)
    return 0


def stamp(url, query_file, reply_file):
    with open(query_file, "rb") as query:
        status, answer = ask("POST", url, None, query.read(), "application/timestamp-query")
    with open(reply_file, "wb") as out:
        out.write(answer)
    print(status)
    return 0 if status == 200 else 1


sys.exit({"sign": sign, "get": get, "stamp": stamp}[sys.argv[1]](*sys.argv[2:]))
