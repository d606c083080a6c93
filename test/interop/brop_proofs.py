"""Verification of BROP proofs, written from docs/spec/receipts.md and docs/spec/proofs.md, with none of BROP's code.

cbor2 reads CBOR, pycose checks every signature (by way of the cryptography package). Suites p256 and ed25519: there is
no SM2 in these packages.
"""

import hashlib

import cbor2
from pycose.headers import Algorithm
from pycose.keys import EC2Key, OKPKey
from pycose.messages import CoseMessage, Sign1Message

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SUITES = {1: "p256", 2: "ed25519"}
ALGORITHMS = {"p256": -7, "ed25519": -8}
DIGESTS = {"sha-256": "sha256", "sha-512": "sha512", "sha3-256": "sha3_256", "sm3": "sm3"}
CHAIN, VERSION, HEIGHT, ROUND, HEADER_HASH = -70001, -70002, -70003, -70004, -70005
HEADER_FIELDS = (
    "version chain height time parent log_size log_root transactions block_root state_root events_root events "
    "validators_hash next_validators_hash round proposer"
).split()


class Refused(Exception):
    """A step failed; `code` is the name of the code in docs/spec/codes.md."""

    def __init__(self, code, detail=""):
        super().__init__(f"{code} {detail}".strip())
        self.code = code


def need(condition, code, detail=""):
    if not condition:
        raise Refused(code, detail)


# --- CBOR and hashes -------------------------------------------------------------------------------------------------


def decode(data):
    """One deterministic item: what cbor2 writes for it must be the very bytes that came."""
    try:
        value = cbor2.loads(data)
        same = cbor2.dumps(value, canonical=True) == data
    except Exception as error:
        raise Refused("PROOF_FORM", str(error)) from error
    need(same, "PROOF_FORM", "not deterministic CBOR")
    return value


def encode(value):
    return cbor2.dumps(value, canonical=True)


def sha256(data):
    return hashlib.sha256(data).digest()


def fields(value, required, optional=()):
    need(isinstance(value, dict), "PROOF_FORM", "not a map")
    unknown = set(value) - set(required) - set(optional)
    missing = set(required) - set(value)
    need(not unknown and not missing, "PROOF_FORM", f"unknown {sorted(map(str, unknown))} missing {sorted(missing)}")
    return value


def is_bytes(value, length):
    return isinstance(value, bytes) and len(value) == length


def is_uint(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# --- keys and COSE ---------------------------------------------------------------------------------------------------


def cose_key_members(key):
    """RFC 9679 §4: the members that a thumbprint is made of."""
    code, data = key
    if SUITES.get(code) == "p256":
        need(is_bytes(data, 65) and data[0] == 4, "PROOF_FORM", "not a P-256 key")
        return {1: 2, -1: 1, -2: data[1:33], -3: data[33:]}
    need(SUITES.get(code) == "ed25519" and is_bytes(data, 32), "PROOF_FORM", "a key of no suite known here")
    return {1: 1, -1: 6, -2: data}


def key_id(key):
    return sha256(encode(cose_key_members(key)))[:16]


def pycose_key(key):
    members = cose_key_members(key)
    if members[1] == 2:
        return EC2Key(crv="P_256", x=members[-2], y=members[-3])
    return OKPKey(crv="ED25519", x=members[-2])


def signature_holds(key, message, payload=None):
    """`message`: the bytes of a COSE_Sign1; `payload`: its content when it is detached."""
    try:
        sign1 = CoseMessage.decode(message)
        assert isinstance(sign1, Sign1Message)
        sign1.key = pycose_key(key)
        suite = SUITES[key[0]]
        if sign1.get_attr(Algorithm).identifier != ALGORITHMS[suite] or len(sign1.signature) != 64:
            return False
        # Of (r, s) and (r, n - s) BROP takes only the one with the low s; pycose takes either.
        if suite == "p256" and int.from_bytes(sign1.signature[32:], "big") > P256_ORDER // 2:
            return False
        return bool(sign1.verify_signature(detached_payload=payload))
    except Refused:
        raise
    except Exception:
        return False


def sign1_parts(data, code="PROOF_FORM"):
    value = decode(data)
    ok = isinstance(value, cbor2.CBORTag) and value.tag == 18 and isinstance(value.value, list) and len(value.value) == 4
    need(ok, code, "not a COSE_Sign1")
    protected, unprotected, payload, signature = value.value
    need(isinstance(protected, bytes) and unprotected == {} and is_bytes(signature, 64), code, "not a COSE_Sign1 of ours")
    need(isinstance(payload, bytes), code, "no payload")
    return protected, payload


def bech32m(data, prefix="brop"):
    """BIP-350."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]

    def polymod(values):
        check = 1
        for value in values:
            top = check >> 25
            check = (check & 0x1FFFFFF) << 5 ^ value
            for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                check ^= generator if (top >> i) & 1 else 0
        return check

    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    checksum = polymod(expanded + words + [0] * 6) ^ 0x2BC830A3
    words += [(checksum >> 5 * (5 - i)) & 31 for i in range(6)]
    return prefix + "1" + "".join(alphabet[word] for word in words)


# --- trees -----------------------------------------------------------------------------------------------------------


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def root_of_path(leaf, index, size, path):
    """RFC 9162 §2.1.3.2; None when the path cannot be one for this index and size."""
    if not (is_uint(index) and is_uint(size) and index < size and all(is_bytes(p, 32) for p in path)):
        return None
    fn, sn, root = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = sha256(b"\x01" + step + root)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = sha256(b"\x01" + root + step)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def state_holds(hash_name, root, key, value, path):
    """docs/spec/proofs.md §2.2; `value` None is absence."""

    def digest(data):
        return hashlib.new({"sha-256": "sha256", "sm3": "sm3"}[hash_name], data).digest()

    siblings, leaf = path
    key_hash = digest(b"\x23" + key)
    well_formed = len(siblings) <= 256 and all(is_bytes(s, 32) for s in siblings)
    well_formed &= leaf is None or (len(leaf) == 2 and all(is_bytes(part, 32) for part in leaf))
    if not well_formed or (leaf is None and len(siblings) == 256) or (siblings and siblings[-1] == bytes(32)):
        return False

    def bit(data, depth):
        return (data[depth // 8] >> (7 - depth % 8)) & 1

    if value is not None:
        if leaf != [key_hash, digest(b"\x22" + value)]:
            return False
    elif leaf is not None:
        if leaf[0] == key_hash or any(bit(leaf[0], d) != bit(key_hash, d) for d in range(len(siblings))):
            return False
    node = bytes(32) if leaf is None else digest(b"\x20" + leaf[0] + leaf[1])
    for depth in reversed(range(len(siblings))):
        pair = (node, siblings[depth]) if bit(key_hash, depth) == 0 else (siblings[depth], node)
        node = digest(b"\x21" + pair[0] + pair[1])
    return node == root


# --- from the genesis hash to a certified header ---------------------------------------------------------------------


def account_of_genesis_key(key):
    return sha256(b"brop/account/v1" + encode(["genesis", key]))[:20]


def read_genesis(data, genesis_hash):
    need(sha256(data) == genesis_hash, "PROOF_GENESIS")
    protected, payload = sign1_parts(data)
    document = decode(payload)
    key = document["operator"]["accountKey"]
    expected = {
        1: ALGORITHMS[SUITES[key[0]]],
        3: 60,
        4: key_id(key),
        15: {1: bech32m(account_of_genesis_key(key)), 2: document["name"]},
        16: "application/vnd.brop.genesis",
        VERSION: 1,
    }
    need(protected == encode(expected), "PROOF_FORM", "the protected header of the genesis")
    need(signature_holds(key, data), "PROOF_FORM", "the operator's signature")
    rows = [
        [account_of_genesis_key(v["accountKey"]), v["power"], v["consensusKey"], v.get("standbyKey")]
        for v in document["validators"]
    ]
    return document, rows


def set_hash(set_bytes):
    return sha256(b"brop/validators/v1" + set_bytes)


def read_header(data):
    values = decode(data)
    need(isinstance(values, list) and len(values) == len(HEADER_FIELDS), "PROOF_FORM", "not a header")
    return dict(zip(HEADER_FIELDS, values))


def check_certificate(rows, header, header_bytes, certificate, code="PROOF_CERTIFICATE"):
    round_, signatures = certificate
    header_hash = sha256(b"brop/header/v1" + header_bytes)
    power, previous = 0, -1
    for index, key_index, signature in signatures:
        need(previous < index < len(rows), code, "validators not ascending, or not of the set")
        previous = index
        validator, weight, primary, standby = rows[index]
        key = (primary, standby)[key_index]
        need(key is not None, code, "no such key")
        protected = {
            1: ALGORITHMS[SUITES[key[0]]],
            4: key_id(key),
            15: {1: bech32m(validator), 2: "brop:" + header["chain"].hex()},
            16: "application/vnd.brop.precommit",
            395: 1,
            CHAIN: header["chain"],
            VERSION: header["version"],
            HEIGHT: header["height"],
            ROUND: round_,
            HEADER_HASH: header_hash,
        }
        message = encode(cbor2.CBORTag(18, [encode(protected), {}, None, signature]))
        need(is_bytes(signature, 64) and signature_holds(key, message, header["log_root"]), code, f"signature of {index}")
        power += weight
    need(3 * power > 2 * sum(row[1] for row in rows), code, "not more than two thirds")
    need(round_ >= header["round"], code, "certified before it was proposed")


def check_header(header, genesis_hash, current_set_hash, after):
    need(header["chain"] == genesis_hash, "PROOF_GENESIS", "the header is of another chain")
    need(header["version"] == 1, "PROOF_FORM", "protocol version")
    need(header["height"] > after, "PROOF_VALIDATORS", "heights do not ascend")
    need(header["validators_hash"] == current_set_hash, "PROOF_VALIDATORS", "signed by another set")


def trusted_header(proof, genesis_hash):
    document, rows = read_genesis(proof["genesis"], genesis_hash)
    current, after = set_hash(encode(rows)), 0
    for header_bytes, certificate, next_set in proof["setChanges"]:
        header = read_header(header_bytes)
        try:
            check_header(header, genesis_hash, current, after)
        except Refused as error:
            raise Refused("PROOF_VALIDATORS", str(error)) from error
        check_certificate(rows, header, header_bytes, certificate, "PROOF_VALIDATORS")
        need(set_hash(next_set) == header["next_validators_hash"], "PROOF_VALIDATORS", "not the set that is named")
        need(set_hash(next_set) != current, "PROOF_VALIDATORS", "a change that changes nothing")
        rows, current, after = decode(next_set), set_hash(next_set), header["height"]
    header = read_header(proof["header"])
    check_header(header, genesis_hash, current, after)
    check_certificate(rows, header, proof["header"], proof["certificate"])
    return document, header, rows


# --- the three files -------------------------------------------------------------------------------------------------

ANCHOR = ("type", "genesis", "setChanges", "header", "certificate")


def read_transaction(data, genesis_hash):
    protected_bytes, payload = sign1_parts(data)
    protected = decode(protected_bytes)
    need(set(protected) == {1, 3, 4, 15, 16, CHAIN, VERSION}, "PROOF_FORM", "protected header of the transaction")
    need(protected[16] == "application/vnd.brop.transaction" and protected[3] == 60, "PROOF_FORM", "typ")
    need(protected[CHAIN] == genesis_hash and protected[VERSION] == 1, "PROOF_FORM", "chain or version")
    nonce, expiry, operations = decode(payload)
    need(is_bytes(nonce, 32) and is_uint(expiry) and 1 <= len(operations) <= 64, "PROOF_FORM", "payload")
    return {"sender": protected[15][1], "kid": protected[4], "nonce": nonce, "expiry": expiry, "operations": operations}


def verify_receipt(data, genesis_hash, file=None):
    receipt = fields(decode(data), ANCHOR + ("transaction", "sender", "result", "inBlock", "inLog"), ("inBatch",))
    need(receipt["type"] == "brop.receipt.v1", "PROOF_FORM", "type")
    document, header, rows = trusted_header(receipt, genesis_hash)
    transaction = read_transaction(receipt["transaction"], genesis_hash)
    sender = decode(receipt["sender"])
    need(key_id(sender["key"]) == transaction["kid"], "PROOF_SIGNATURE", "another key")
    need(signature_holds(sender["key"], receipt["transaction"]), "PROOF_SIGNATURE")

    code, _operation, _charged, log_index, sender_digest = receipt["result"]
    block_leaf = leaf_hash(encode([sha256(receipt["transaction"]), receipt["result"]]))
    index, path = receipt["inBlock"]
    need(root_of_path(block_leaf, index, header["transactions"], path) == header["block_root"], "PROOF_INCLUSION", "block")
    need(sha256(receipt["sender"]) == sender_digest, "PROOF_INCLUSION", "the sender's record")
    applied = code == 0
    need(applied == (log_index is not None) == (receipt["inLog"] is not None), "PROOF_INCLUSION", "result and log disagree")
    if applied:
        root = root_of_path(leaf_hash(receipt["transaction"]), log_index, header["log_size"], receipt["inLog"])
        need(root == header["log_root"], "PROOF_INCLUSION", "log")
    candidates = digests_of(receipt, transaction)
    if file is not None:
        need(applied, "PROOF_REJECTED", str(code))
        need(any(matches(candidate, file) for candidate in candidates), "PROOF_FILE")
    return {
        "type": "receipt",
        "chain": document["name"],
        "height": header["height"],
        "timeMs": header["time"],
        "sender": transaction["sender"],
        "name": sender.get("name"),
        "operations": [operation[0] for operation in transaction["operations"]],
        "code": code,
        "logIndex": log_index,
        "signatures": len(receipt["certificate"][1]),
        "validators": len(rows),
    }


def digests_of(receipt, transaction):
    if "inBatch" not in receipt:
        return [body["digests"] for kind, body in transaction["operations"] if kind == "evidence.register"]
    part = fields(receipt["inBatch"], ("operation", "digests", "index", "path"))
    operations = transaction["operations"]
    is_batch = part["operation"] < len(operations) and operations[part["operation"]][0] == "evidence.registerBatch"
    need(is_batch, "PROOF_INCLUSION", "the operation named is not a batch")
    body = operations[part["operation"]][1]
    root = root_of_path(leaf_hash(encode(part["digests"])), part["index"], body["count"], part["path"])
    need(root == body["root"], "PROOF_INCLUSION", "batch")
    return [part["digests"]]


def matches(candidate, file):
    return len(candidate) > 0 and all(hashlib.new(DIGESTS[name], file).digest() == d for name, d in candidate.items())


def verify_state_proof(data, genesis_hash):
    proof = fields(decode(data), ANCHOR + ("entry",))
    need(proof["type"] == "brop.state-proof.v1", "PROOF_FORM", "type")
    document, header, _ = trusted_header(proof, genesis_hash)
    entry = fields(proof["entry"], ("key", "value", "path"))
    holds = state_holds(document["stateHash"], header["state_root"], entry["key"], entry["value"], entry["path"])
    need(holds, "PROOF_INCLUSION", "state")
    value = None if entry["value"] is None else entry["value"].hex()
    return {"type": "state-proof", "height": header["height"], "key": entry["key"].hex(), "value": value}


def verify_expiry_certificate(data, genesis_hash):
    names = ("sender", "nonce", "expiry", "absence", "prunedThrough", "prunedThroughPath")
    proof = fields(decode(data), ANCHOR + names)
    need(proof["type"] == "brop.expiry.v1", "PROOF_FORM", "type")
    need(is_bytes(proof["sender"], 20) and is_bytes(proof["nonce"], 32) and is_uint(proof["expiry"]), "PROOF_FORM")
    document, header, _ = trusted_header(proof, genesis_hash)
    expiry, pruned = proof["expiry"], proof["prunedThrough"]
    need(header["height"] >= expiry, "PROOF_NOT_EXPIRED", "below the expiry height")
    root, hash_name = header["state_root"], document["stateHash"]
    pruned_value = None if pruned is None else encode(pruned)
    need(
        state_holds(hash_name, root, encode(["prunedThrough"]), pruned_value, proof["prunedThroughPath"]),
        "PROOF_INCLUSION",
        "prunedThrough",
    )
    need(pruned is None or pruned < expiry, "PROOF_NOT_EXPIRED", "nonces of that expiry are removed")
    stem = hashlib.sha256(b"brop/transaction/v1" + encode([proof["sender"], proof["nonce"]])).digest()[:31]
    key = encode(["tx", stem])
    need(state_holds(hash_name, root, key, None, proof["absence"]), "PROOF_INCLUSION", "the nonce")
    return {
        "type": "expiry-certificate",
        "height": header["height"],
        "sender": bech32m(proof["sender"]),
        "nonce": proof["nonce"].hex(),
        "expiry": expiry,
    }


def verify_proof(data, genesis_hash, file=None):
    value = decode(data)
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "brop.state-proof.v1":
        return verify_state_proof(data, genesis_hash)
    if kind == "brop.expiry.v1":
        return verify_expiry_certificate(data, genesis_hash)
    return verify_receipt(data, genesis_hash, file)


def guarded(verify, *arguments):
    """A part that is missing or of another type is the form: said here once instead of at every field."""
    try:
        return verify(*arguments)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise Refused("PROOF_FORM", f"{type(error).__name__}: {error}") from error


# --- SCITT -----------------------------------------------------------------------------------------------------------


def verify_transparent_statement(data, genesis_bytes, genesis_hash):
    """RFC 9943 §7 and RFC 9942 §4.3, each receipt with pycose. The keys are those of the genesis, found by kid."""
    _document, rows = read_genesis(genesis_bytes, genesis_hash)
    keys = {key_id(key): key for row in rows for key in row[2:] if key is not None}
    statement = CoseMessage.decode(data)
    need(isinstance(statement, Sign1Message), "PROOF_FORM", "not a COSE_Sign1")
    protected, _unprotected, payload, signature = decode(data).value
    # RFC 9943 §6: the leaf is the signed statement as it was registered, with an empty unprotected header.
    leaf = leaf_hash(encode(cbor2.CBORTag(18, [protected, {}, payload, signature])))
    claims = decode(protected)[15]
    need(isinstance(claims[1], str) and isinstance(claims[2], str), "PROOF_FORM", "iss and sub")
    receipts = decode(data).value[1][394]
    need(len(receipts) >= 1, "PROOF_FORM", "no receipts")
    places = [check_cose_receipt(receipt, leaf, keys) for receipt in receipts]
    need(len({place["kid"] for place in places}) == len(places), "PROOF_CERTIFICATE", "one key twice")
    need(len({(p["height"], p["round"], p["header"]) for p in places}) == 1, "PROOF_CERTIFICATE", "several blocks")
    signers = [row for row in rows if any(key and key_id(key) in {p["kid"] for p in places} for key in row[2:])]
    need(3 * sum(r[1] for r in signers) > 2 * sum(r[1] for r in rows), "PROOF_CERTIFICATE", "not more than two thirds")
    return {"type": "transparent-statement", "issuer": claims[1], "receipts": len(places), "height": places[0]["height"]}


def check_cose_receipt(data, leaf, keys):
    need(isinstance(data, bytes), "PROOF_FORM", "a receipt is a byte string")
    protected, unprotected, payload, _signature = decode(data).value
    header = decode(protected)
    need(header.get(395) == 1, "PROOF_FORM", "vds is not RFC9162_SHA256")
    need(payload is None, "PROOF_FORM", "the root must be detached")
    need(set(header.get(15, {})) >= {1, 2}, "PROOF_FORM", "RFC 9943: iss and sub in the CWT claims")
    (proof,) = unprotected[396][-1]
    size, index, path = decode(proof)
    root = root_of_path(leaf, index, size, path)
    need(root is not None, "PROOF_INCLUSION", "path")
    key = keys.get(header[4])
    need(key is not None, "PROOF_CERTIFICATE", "unknown kid")
    need(signature_holds(key, data, root), "PROOF_CERTIFICATE", "signature over the root")
    return {"kid": header[4], "height": header[HEIGHT], "round": header[ROUND], "header": header[HEADER_HASH]}
