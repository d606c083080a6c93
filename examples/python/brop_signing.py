"""Reading what a node wants signed, and signing it: cbor2 and cryptography, nothing else."""

import base64

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

# COSE header labels (RFC 9052, RFC 9596, RFC 9597) and BROP's own (docs/spec/transactions.md).
ALG, CWT_CLAIMS, TYP = 1, 15, 16
ISS = 1
CHAIN, PROTOCOL_VERSION = -70001, -70002
ES256, EDDSA = -7, -8

TRANSACTION = "application/vnd.brop.transaction"
CHALLENGE = "application/vnd.brop.challenge"


class Mismatch(Exception):
    """The bytes do not say what was meant: sign nothing."""


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def load_key(path: str):
    """A private key in PEM: P-256 or Ed25519."""
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), password=None)


def sign(key, message: bytes) -> bytes:
    """DER for P-256, 64 bytes for Ed25519: the API takes both."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def _expect(what: str, found, wanted) -> None:
    if found != wanted:
        raise Mismatch(f"{what} is {found!r}, not {wanted!r}")


def _read(message: bytes, key, genesis_hash: str, account: str, message_type: str):
    """The payload of a Sig_structure (RFC 9052, section 4.4) whose header is as it must be."""
    context, protected, external, payload = cbor2.loads(message)
    _expect("context", (context, external), ("Signature1", b""))
    header = cbor2.loads(protected)
    algorithm = EDDSA if isinstance(key, ed25519.Ed25519PrivateKey) else ES256
    _expect("algorithm", header[ALG], algorithm)
    _expect("message type", header[TYP], message_type)
    _expect("chain", header[CHAIN].hex(), genesis_hash)
    _expect("account", header[CWT_CLAIMS][ISS], account)
    return cbor2.loads(payload)


def check_transaction(message: bytes, key, genesis_hash: str, account: str, operations, expiry: int) -> None:
    """Raises Mismatch unless the bytes are a transaction of exactly these operations that expires at this height."""
    _nonce, found_expiry, found = _read(message, key, genesis_hash, account, TRANSACTION)
    _expect("operations", found, operations)
    _expect("expiry", found_expiry, expiry)


def check_challenge(message: bytes, key, genesis_hash: str, account: str, origin: str, scopes) -> None:
    """Raises Mismatch unless the bytes are a login of this account at this very node, for no more than these scopes."""
    found_origin, found_scopes, _id, _expires_ms = _read(message, key, genesis_hash, account, CHALLENGE)
    _expect("origin", found_origin, origin)
    _expect("scopes", found_scopes, scopes)
