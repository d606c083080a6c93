"""Logs in with the key of an account and reads what the account has done on this node. See README.md."""

import argparse
import json
import sys
from urllib.parse import urlsplit

from brop_client import AuthenticatedClient, Client
from brop_client.api.authentication import create_challenge, create_token, get_audit
from brop_client.models import AccessToken, AuditPage, Challenge, ChallengeRequest, TokenRequest
from brop_signing import check_challenge, from_base64url, load_key, sign, to_base64url

SCOPES = ["audit:read"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="of the node")
    parser.add_argument("--genesis", required=True, help="genesis hash: all that is trusted")
    parser.add_argument("--account", required=True, help="brop1…")
    parser.add_argument("--key", required=True, help="private key of the account, PEM")
    arguments = parser.parse_args()

    key = load_key(arguments.key)
    parts = urlsplit(arguments.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    client = Client(base_url=arguments.url)

    request = ChallengeRequest.from_dict({"account": arguments.account, "scopes": SCOPES, "origin": origin})
    challenge = create_challenge.sync(client=client, body=request)
    if not isinstance(challenge, Challenge):
        print(challenge, file=sys.stderr)
        return 1
    message = from_base64url(challenge.message)
    check_challenge(message, key, arguments.genesis, arguments.account, origin, SCOPES)

    answer = TokenRequest(challenge=challenge.challenge, signature=to_base64url(sign(key, message)))
    token = create_token.sync(client=client, body=answer)
    if not isinstance(token, AccessToken):
        print(token, file=sys.stderr)
        return 1
    authorized = AuthenticatedClient(base_url=arguments.url, token=token.access_token)
    page = get_audit.sync(client=authorized)
    if not isinstance(page, AuditPage):
        print(page, file=sys.stderr)
        return 1
    print(json.dumps(page.to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
