"""Verifies deliveries of webhooks with code that is not ours: the official library, and for Ed25519, which it does not
verify yet, the specification (https://github.com/standard-webhooks/standard-webhooks) over pyca/cryptography.

usage: verify_webhook.py <file>: JSON list of {key, headers, body}; prints how many verified, or what failed.
"""
import base64
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook


def verify_asymmetric(key, headers, body):
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    for entry in headers["webhook-signature"].split(" "):
        version, signature = entry.split(",")
        if version != "v1a":
            continue
        try:
            public.verify(base64.b64decode(signature), signed)
            return json.loads(body)
        except InvalidSignature:
            continue
    raise ValueError("no signature verifies")


def main(path):
    with open(path, encoding="utf-8") as file:
        deliveries = json.load(file)
    types = []
    for delivery in deliveries:
        key, headers, body = delivery["key"], delivery["headers"], delivery["body"]
        try:
            payload = (
                verify_asymmetric(key, headers, body)
                if key.startswith("whpk_")
                else Webhook(key).verify(body, headers)
            )
        except Exception as error:  # whatever the library throws is its verdict
            print(json.dumps({"verified": len(types), "error": f"{type(error).__name__}: {error}"}))
            return 1
        types.append(payload["type"])
    print(json.dumps({"verified": len(types), "types": types}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
