"""Writes trees.json: the state tree by its definition (docs/spec/proofs.md), apart from the TypeScript. Run it here."""

import hashlib
import json

EMPTY = bytes(32)


def h(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def bit(key_hash, depth):
    return key_hash[depth // 8] >> (7 - depth % 8) & 1


def subtree(leaves, depth):
    """leaves: {keyHash: valueHash}"""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        [(key_hash, value_hash)] = leaves.items()
        return h(b"\x20", key_hash, value_hash)
    sides = [{k: v for k, v in leaves.items() if bit(k, depth) == side} for side in (0, 1)]
    return h(b"\x21", subtree(sides[0], depth + 1), subtree(sides[1], depth + 1))


def proof(leaves, key_hash):
    siblings = []
    depth = 0
    while len(leaves) > 1:
        side = bit(key_hash, depth)
        other = {k: v for k, v in leaves.items() if bit(k, depth) != side}
        leaves = {k: v for k, v in leaves.items() if bit(k, depth) == side}
        siblings.append(subtree(other, depth + 1).hex())
        depth += 1
    leaf = [{"keyHash": k.hex(), "valueHash": v.hex()} for k, v in leaves.items()]
    return {"siblings": siblings, "leaf": leaf[0] if leaf else None}


def key_value_tree(note, entries, absent):
    leaves = {h(b"\x23", k): h(b"\x22", v) for k, v in entries}
    asked = [k for k, _ in entries] + absent
    return {
        "note": note,
        "entries": [{"key": k.hex(), "value": v.hex()} for k, v in entries],
        "leaves": [{"keyHash": k.hex(), "valueHash": v.hex()} for k, v in sorted(leaves.items())],
        "root": subtree(leaves, 0).hex(),
        "proofs": [{"keyHash": h(b"\x23", k).hex(), **proof(leaves, h(b"\x23", k))} for k in asked],
    }


def placed_tree(note, places, absent):
    """Leaves at chosen places: real keys cannot be found for these shapes, but damage and attacks look like them."""
    leaves = {place: h(bytes([i])) for i, place in enumerate(places)}
    return {
        "note": note,
        "entries": None,
        "leaves": [{"keyHash": k.hex(), "valueHash": v.hex()} for k, v in sorted(leaves.items())],
        "root": subtree(leaves, 0).hex(),
        "proofs": [{"keyHash": k.hex(), **proof(leaves, k)} for k in places + absent],
    }


def entries(count):
    return [(b"key %d" % i, b"value %d" % i) for i in range(count)]


def place(*head, last=0):
    return bytes(head) + bytes(31 - len(head)) + bytes([last])


absent = [b"", b"absent 1", b"absent 2", b"absent 3"]
trees = [
    key_value_tree("empty", [], absent),
    key_value_tree("one entry", entries(1), absent),
    key_value_tree("two entries", entries(2), absent),
    key_value_tree("empty key, empty value", [(b"", b""), (b"key", b"")], absent[1:]),
    key_value_tree("seven entries", entries(7), absent),
    key_value_tree("twenty entries", entries(20), absent),
    placed_tree("two leaves that part at the last bit", [place(last=0), place(last=1)], [place(last=2), place(0x80)]),
    placed_tree("a pair at each border of a nibble", [place(0x08), place(0x00), place(0x10), place(0xF0)], [place(0x20)]),
    placed_tree(
        "a deep pair beside a single leaf",
        [place(0x12, 0x34, 0x56, last=2), place(0x12, 0x34, 0x56, last=3), place(0x12, 0x35)],
        [place(0x12, 0x34, 0x57), place(0x12, 0x34, 0x56, last=1), place(0x92)],
    ),
]

with open("trees.json", "w", encoding="utf-8") as out:
    json.dump({"hash": "sha-256", "trees": trees}, out, indent=1, ensure_ascii=False)
    out.write("\n")
