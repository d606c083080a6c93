"""Follows one entry of a chain's log through its plain files: bundle, tiles, checkpoint. Written from c2sp.org/tlog-tiles,
c2sp.org/tlog-checkpoint and c2sp.org/signed-note, with hashlib and cryptography and none of BROP's code.

    verify_tiles.py <folder> <index> --genesis <hash> [--key <file with the verifier key>]

One line of JSON. Exit codes as `brop` has them: 0 holds, 10 form, 11 another chain, 14 inclusion, 15 signature.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORM, CHAIN, INCLUSION, SIGNATURE = 10, 11, 14, 15


class Refused(Exception):
    def __init__(self, exit_code, detail):
        super().__init__(detail)
        self.exit_code = exit_code


def need(condition, exit_code, detail):
    if not condition:
        raise Refused(exit_code, detail)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- notes and checkpoints -------------------------------------------------------------------------------------------


def read_key(text):
    """`<name>+<key ID>+<base64(0x01 || Ed25519 key)>`."""
    name, key_id, data = text.strip().split("+", 2)
    data = base64.b64decode(data, validate=True)
    need(len(data) == 33 and data[0] == 1, FORM, "not an Ed25519 note key")
    expected = sha256(name.encode(), b"\n", data)[:4]
    need(bytes.fromhex(key_id) == expected, FORM, "the key ID is not that of the key")
    return name, expected, data[1:]


def open_note(note, key):
    """The text of a note that the key has signed."""
    name, key_id, public_key = key
    text, separator, signatures = note.decode("utf-8").rpartition("\n\n")
    need(separator and signatures.endswith("\n"), FORM, "not a signed note")
    text += "\n"
    signed = False
    for line in signatures.splitlines():
        match = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        need(match, FORM, "not a signature line")
        data = base64.b64decode(match[2], validate=True)
        if match[1] != name or data[:4] != key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(data[4:], text.encode())
        except InvalidSignature as error:
            raise Refused(SIGNATURE, "the signature of the checkpoint does not verify") from error
        signed = True
    need(signed, SIGNATURE, "the checkpoint is not signed by the key")
    return text


def read_checkpoint(text):
    lines = text.splitlines()
    need(len(lines) >= 3 and all(lines) and re.fullmatch("0|[1-9][0-9]*", lines[1]), FORM, "not a checkpoint")
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True), lines[3:]


# --- tiles -----------------------------------------------------------------------------------------------------------


def number(n):
    digits = str(n)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


class Log:
    def __init__(self, folder, size):
        self.folder = folder
        self.size = size

    def read(self, kind, n, entries_at_level):
        """The full file, or the part that a log of this size has."""
        width = min(256, entries_at_level - 256 * n)
        path = self.folder / kind / number(n)
        if width < 256:
            path = path.with_name(f"{path.name}.p") / str(width)
        need(path.exists(), INCLUSION, f"{path} is missing")
        return path.read_bytes(), width

    def entry(self, index):
        bundle, width = self.read("tile/entries", index // 256, self.size)
        entries = []
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            need(len(bundle) >= 2 + length, FORM, "a bundle that ends within an entry")
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        need(len(entries) == width, FORM, f"a bundle of {len(entries)} entries, not {width}")
        return entries[index % 256]

    def full(self, level, index):
        """Root of the index-th full subtree of 2^level leaves, out of the one tile that has it or its parts."""
        row, below = divmod(level, 8)
        first = index << below
        tile, width = self.read(f"tile/{row}", first // 256, self.size >> (8 * row))
        need(len(tile) == 32 * width, FORM, "a tile of another length than its name says")
        at = first % 256
        hashes = [tile[32 * i : 32 * i + 32] for i in range(at, at + (1 << below))]
        while len(hashes) > 1:
            hashes = [sha256(b"\x01", hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def root(self, start, end):
        """MTH(D[start:end]) of RFC 6962 section 2.1."""
        count = end - start
        if count & (count - 1) == 0 and start % count == 0:
            return self.full(count.bit_length() - 1, start // count)
        middle = start + largest_power_below(count)
        return sha256(b"\x01", self.root(start, middle), self.root(middle, end))

    def path(self, index, start, end):
        """PATH(index, D[start:end]) of RFC 6962 section 2.1.1."""
        if end - start == 1:
            return []
        middle = start + largest_power_below(end - start)
        if index < middle:
            return self.path(index, start, middle) + [self.root(middle, end)]
        return self.path(index, middle, end) + [self.root(start, middle)]


def largest_power_below(n):
    return 1 << ((n - 1).bit_length() - 1)


def root_of_path(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn != 0, INCLUSION, "the path is too long")
        if fn & 1 or fn == sn:
            r = sha256(b"\x01", p, r)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01", r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, INCLUSION, "the path is too short")
    return r


def verify(folder, index, genesis, key_file):
    key = read_key((key_file or folder / "checkpoint.vkey").read_text())
    text = open_note((folder / "checkpoint").read_bytes(), key)
    origin, size, root, extensions = read_checkpoint(text)
    need(origin == f"brop.chain/{genesis}" == key[0], CHAIN, "a checkpoint of another chain")
    log = Log(folder, size)
    need(sha256(log.entry(0)).hex() == genesis, CHAIN, "entry 0 is not the genesis")
    need(0 <= index < size, INCLUSION, f"the log has {size} entries")
    entry = log.entry(index)
    leaf = sha256(b"\x00", entry)
    need(log.full(0, index) == leaf, INCLUSION, "the entry is not the one of its tile")
    path = log.path(index, 0, size)
    need(root_of_path(leaf, index, size, path) == root, INCLUSION, "the path does not lead to the checkpoint's root")
    facts = dict(line.split(" ", 1) for line in extensions)
    return {"size": size, "height": int(facts["height"]), "entry": sha256(entry).hex(), "path": len(path)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("index", type=int)
    parser.add_argument("--genesis", required=True)
    parser.add_argument("--key", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        facts = verify(arguments.folder, arguments.index, arguments.genesis, arguments.key)
    except Refused as error:
        print(json.dumps({"ok": False, "error": str(error)}))
        return error.exit_code
    except (ValueError, OSError) as error:
        print(json.dumps({"ok": False, "error": str(error)}))
        return FORM
    print(json.dumps({"ok": True, **facts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
