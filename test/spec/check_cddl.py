"""Checks CBOR against the CDDL of docs/spec with cddl-verifier: CDDL and CBOR by somebody else.

stdin: {"cddl": text, "samples": [[rule, hex, whether it must match], ...]}; stdout: JSON list of what is not as it must.
"""
import json
import sys

from cddl_verifier import Validator

asked = json.load(sys.stdin)
validator = Validator(asked["cddl"])
wrong = []
for rule, sample, expected in asked["samples"]:
    result = validator.validate(bytes.fromhex(sample), root_type=rule)
    if result.valid != expected:
        why = "; ".join(f"{d.path_text}: {d.message}" for d in result.diagnostics)[:400]
        wrong.append(f"{rule}: {'refused' if expected else 'accepted'} {sample[:120]} {why}")
print(json.dumps(wrong))
