"""Registers the digest of a file and keeps the receipt. See README.md."""

import argparse
import hashlib
import sys

from brop_client import Client
from brop_client.api.chain import get_status
from brop_client.api.transactions import prepare_transaction, submit_transaction
from brop_client.models import PreparedTransaction, PrepareRequest, TransactionJson
from brop_client.types import File
from brop_signing import check_transaction, from_base64url, load_key, sign, to_base64url

HEIGHTS_AHEAD = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="of the node")
    parser.add_argument("--genesis", required=True, help="genesis hash: all that is trusted")
    parser.add_argument("--account", required=True, help="brop1…")
    parser.add_argument("--key", required=True, help="private key of the account, PEM")
    parser.add_argument("--subject", help="what the record is about")
    parser.add_argument("file")
    arguments = parser.parse_args()

    key = load_key(arguments.key)
    with open(arguments.file, "rb") as file:
        digest = hashlib.sha256(file.read()).digest()

    receipt_type = "application/vnd.brop.receipt+cbor"
    client = Client(base_url=arguments.url, headers={"Accept": f"{receipt_type}, application/json"}, timeout=30)

    # What is meant, twice: as the API takes it, and as it must come back in the bytes.
    body = {"digests": {"sha-256": digest.hex()}}
    meant = {"digests": {"sha-256": digest}}
    if arguments.subject is not None:
        body["subject"] = meant["subject"] = arguments.subject
    operations = [{"type": "evidence.register", "body": body}]

    # The last block that may hold it. Read the height anew for each transaction.
    status = get_status.sync(client=client)
    expiry = status.height + min(HEIGHTS_AHEAD, status.expiry_window)
    request = PrepareRequest.from_dict({"sender": arguments.account, "operations": operations, "expiry": expiry})
    prepared = prepare_transaction.sync(client=client, body=request)
    if not isinstance(prepared, PreparedTransaction):
        return refused(prepared)
    print("\n".join(prepared.text), file=sys.stderr)
    if prepared.quote.refusal is not None:
        print(f"it would be refused: {prepared.quote.refusal}", file=sys.stderr)
        return 1

    message = from_base64url(prepared.message)
    check_transaction(message, key, arguments.genesis, arguments.account, [["evidence.register", meant]], expiry)

    signed = TransactionJson(transaction=prepared.transaction, signature=to_base64url(sign(key, message)))
    answer = submit_transaction.sync(client=client, body=signed, prefer="wait=30")
    if not isinstance(answer, File):
        return refused(answer)
    path = f"{arguments.file}.receipt"
    with open(path, "wb") as file:
        file.write(answer.payload.read())
    print(path)
    return 0


def refused(answer) -> int:
    """A problem (RFC 9457) names its code; 202 means that it is not final yet: send the same again."""
    print(getattr(answer, "detail", None) or answer, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
