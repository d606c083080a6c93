#!/usr/bin/env python3
"""Verifies a BROP receipt (and the file it is for), state proof, expiry certificate or SCITT transparent statement.

usage: verify_receipt.py <proof> --genesis HEX [file]
       verify_receipt.py <statement.cose> --genesis HEX --genesis-file <genesis.cbor>

Prints one line of JSON. Exit codes are those of `brop verify`: 0 holds, 2 usage, 10 form, 11 chain, 12 validator set,
13 certificate, 14 inclusion, 15 signature, 16 another file, 17 rejected, 18 not expired.
"""

import argparse
import json
import pathlib
import sys

import brop_proofs as brop

EXIT = {
    "PROOF_FORM": 10,
    "PROOF_GENESIS": 11,
    "PROOF_VALIDATORS": 12,
    "PROOF_CERTIFICATE": 13,
    "PROOF_INCLUSION": 14,
    "PROOF_SIGNATURE": 15,
    "PROOF_FILE": 16,
    "PROOF_REJECTED": 17,
    "PROOF_NOT_EXPIRED": 18,
}


def verify(options):
    data = options.proof.read_bytes()
    genesis_hash = bytes.fromhex(options.genesis)
    if options.genesis_file is not None:
        return brop.guarded(brop.verify_transparent_statement, data, options.genesis_file.read_bytes(), genesis_hash)
    file = None if options.file is None else options.file.read_bytes()
    return brop.guarded(brop.verify_proof, data, genesis_hash, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proof", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path, nargs="?")
    parser.add_argument("--genesis", required=True, help="genesis hash, 64 hexadecimal digits")
    parser.add_argument("--genesis-file", type=pathlib.Path, help="the genesis itself, for a transparent statement")
    options = parser.parse_intermixed_args()
    try:
        print(json.dumps({"ok": True, **verify(options)}, ensure_ascii=False))
        return 0
    except brop.Refused as error:
        print(json.dumps({"ok": False, "name": error.code, "detail": str(error)}, ensure_ascii=False))
        return EXIT[error.code]


if __name__ == "__main__":
    sys.exit(main())
