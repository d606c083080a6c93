#!/usr/bin/env python3
"""Changes each byte of a proof in turn and verifies: prints {"bytes", "survivors", "codes"} as JSON.

usage: every_byte.py <proof> --genesis HEX [--step N]

A survivor is an offset whose change still gives the same statement. An expiry certificate or a proof of absence with a
changed nonce or key can be true of that other nonce: then it says so, and is no survivor.
"""

import argparse
import collections
import json
import pathlib

import brop_proofs as brop


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("proof", type=pathlib.Path)
    parser.add_argument("--genesis", required=True)
    parser.add_argument("--step", type=int, default=1, help="change every so many-th byte")
    options = parser.parse_args()
    genesis_hash = bytes.fromhex(options.genesis)
    good = options.proof.read_bytes()
    statement = brop.guarded(brop.verify_proof, good, genesis_hash)
    survivors, codes = [], collections.Counter()
    for offset in range(0, len(good), options.step):
        changed = bytearray(good)
        changed[offset] ^= 1
        try:
            if brop.guarded(brop.verify_proof, bytes(changed), genesis_hash) == statement:
                survivors.append(offset)
            else:
                codes["another statement"] += 1
        except brop.Refused as error:
            codes[error.code] += 1
    print(json.dumps({"bytes": len(good), "survivors": survivors, "codes": codes}))


if __name__ == "__main__":
    main()
