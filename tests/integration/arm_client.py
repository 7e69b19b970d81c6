# SPDX-License-Identifier: Apache-2.0
"""A client of the management API over HTTPS, made of the standard library alone: it does to one device what Azure
Resource Manager's clients do, and polls what they poll. Prints a line a step; exit status 1 names what was not so."""
import json
import ssl
import sys
import time
import urllib.error
import urllib.request

base, ca, token_file, group = sys.argv[1:5]
token = open(token_file).read().strip()
trust = ssl.create_default_context(cafile=ca)
VERSION = "?api-version=2026-03-01-preview"
NAMESPACE = group + "/providers/Microsoft.DeviceRegistry/namespaces/default"


def ask(method, url, body=None, headers=None, bearer=token):
    url = url if url.startswith("https://") else base + url
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}))
    if bearer:
        request.add_header("Authorization", "Bearer " + bearer)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, context=trust, timeout=120) as answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        text = refused.read()
        return refused.code, refused.headers, json.loads(text) if text else None


def expect(what, is_so):
    print(("ok   " if is_so else "NOT  ") + what)
    if not is_so:
        sys.exit(1)


def finish(headers):
    """Polls as the official clients do, until the operation has ended."""
    for _ in range(600):
        status, answered, body = ask("GET", headers["Azure-AsyncOperation"])
        if status != 200 or body["status"] in ("Succeeded", "Failed", "Canceled"):
            return body["status"]
        time.sleep(float(answered.get("Retry-After", "1")))
    return "never"


status, headers, body = ask("GET", NAMESPACE + VERSION, bearer=None)
expect("no token: 401 with a challenge", status == 401 and headers["WWW-Authenticate"].startswith("Bearer"))
status, headers, body = ask("GET", NAMESPACE + VERSION)
expect("namespace is shown by its full path", status == 200 and body["id"] == NAMESPACE)
status, headers, body = ask("GET", NAMESPACE)
expect("api-version is required", status == 400 and body["error"]["code"] == "MissingApiVersionParameter")

device = NAMESPACE + "/devices/arm-1"
status, headers, body = ask("PUT", device + VERSION, {"location": "local", "tags": {"line": "a"}, "properties": {}})
expect("PUT: 201 Accepted", status == 201 and body["properties"]["provisioningState"] == "Accepted")
expect("PUT: the operation succeeds", finish(headers) == "Succeeded")
status, headers, body = ask("GET", device + VERSION)
expect("GET: Succeeded, tags and etag", status == 200 and body["tags"] == {"line": "a"} and headers["ETag"])
stale = headers["ETag"]

disable = {"properties": {"enabled": False}}
status, headers, body = ask("PATCH", device + VERSION, disable, {"If-Match": stale})
expect("PATCH with the tag: 200", status == 200 and body["properties"]["enabled"] is False)
status, headers, body = ask("PATCH", device + VERSION, disable, {"If-Match": stale})
expect("PATCH with the old tag: 412", status == 412 and body["error"]["code"] == "PreconditionFailed")

status, headers, body = ask("POST", device + "/revoke" + VERSION, {})
expect("revoke: 202 with Location", status == 202 and headers["Location"] and headers["Retry-After"])
expect("revoke: the operation succeeds", finish(headers) == "Succeeded")
status, answered, body = ask("GET", headers["Location"])
expect("revoke: finally 200 Succeeded", status == 200 and body == {"result": "Succeeded"})

status, headers, body = ask("DELETE", device + VERSION)
expect("DELETE: 202", status == 202 and finish(headers) == "Succeeded")
status, headers, body = ask("GET", device + VERSION)
expect("GET: 404 in ARM's words", status == 404 and body["error"]["code"] == "ResourceNotFound")
status, headers, body = ask("DELETE", device + VERSION)
expect("DELETE of nothing: 204", status == 204)

service = group + "/providers/Microsoft.Devices/provisioningServices/dps"
status, headers, body = ask("GET", service + "?api-version=2022-12-12")
expect("provisioning service: its scope, its namespace, its hub",
       status == 200 and body["properties"]["idScope"].startswith("0ne") and len(body["properties"]["iotHubs"]) == 1
       and body["properties"]["deviceRegistryNamespace"]["resourceId"] == NAMESPACE)
status, headers, body = ask("PATCH", service + "?api-version=2022-12-12", {"tags": {"line": "a"}})
expect("provisioning service: a reader changes no tags", status == 403)

status, headers, body = ask("DELETE", NAMESPACE + VERSION)
expect("what the roles do not allow: 403 names the action",
       status == 403 and "Microsoft.DeviceRegistry/namespaces/delete" in body["error"]["message"])
