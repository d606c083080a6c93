#!/bin/sh
# Prepares what a node signs with, and becomes the command that it is given (node nodes/node/main.ts [config.json]).
#
#   BROP_CLOUDHSM_CLUSTER   cluster ID: the CloudHSM client is told the addresses of its HSMs
#   BROP_CLOUDHSM_CA        the certificate of the customer's CA (customerCA.crt), needed with a cluster: a path, or where its
#                           text is (env:NAME, secretsmanager:ID)
#   BROP_SOFT_TOKEN         where a SoftHSM2 token is (env:NAME, file:PATH or secretsmanager:ID): the folder of tokens as
#                           tar.gz in base64; it is unpacked into BROP_RUN_FOLDER, which should be in memory
#   BROP_RUN_FOLDER         default /run/brop
#
# A CloudHSM that is not there is said and no reason not to start: with "driver": "auto" the standby key signs. One that
# cannot be asked about may well be there: nothing is started then (exit code 75), and whoever runs this tries again.
set -eu
umask 077
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

say() { echo "entrypoint: $*" >&2; }
prepare() { node nodes/prepare/main.ts "$@"; }
run=${BROP_RUN_FOLDER:-/run/brop}

if [ -n "${BROP_CLOUDHSM_CLUSTER:-}" ]; then
  client=${BROP_CLOUDHSM_CLIENT:-/opt/cloudhsm}
  configure="$client/bin/configure-pkcs11"
  ca=${BROP_CLOUDHSM_CA:?names the certificate of the customer CA, which BROP_CLOUDHSM_CLUSTER needs}
  # In the image, what the client writes is where one may write (deploy/Dockerfile).
  for name in etc run; do
    if [ -L "$client/$name" ]; then
      mkdir -p "$(readlink "$client/$name")"
      cp -R "$client/$name.dist/." "$client/$name/"
    fi
  done
  case $ca in
    env:* | secretsmanager:*)
      mkdir -p "$run"
      prepare text "$ca" >"$run/customerCA.crt"
      ca="$run/customerCA.crt"
      ;;
  esac
  if addresses=$(prepare hsm-addresses "$BROP_CLOUDHSM_CLUSTER"); then
    # The addresses are words of their own. A single HSM is refused by the client unless it is told that this is meant.
    set -f
    # shellcheck disable=SC2086
    "$configure" -a $addresses --hsm-ca-cert "$ca" >&2 || say "the CloudHSM client could not be configured"
    case $addresses in
      *' '*) ;;
      *) "$configure" --disable-key-availability-check >&2 || say "one HSM alone may be refused by the client" ;;
    esac
    set +f
  else
    status=$?
    if [ "$status" -eq 75 ]; then
      say "the node does not start: it would fall back to its standby key for good"
      exit "$status"
    fi
    say "the CloudHSM client is not configured"
  fi
fi

if [ -n "${BROP_SOFT_TOKEN:-}" ]; then
  rm -rf "$run/tokens"
  mkdir -p "$run/tokens"
  prepare soft-token "$BROP_SOFT_TOKEN" >"$run/tokens.tar.gz"
  tar -xzf "$run/tokens.tar.gz" -C "$run/tokens" --no-same-owner
  rm "$run/tokens.tar.gz"
  printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$run" >"$run/softhsm2.conf"
  SOFTHSM2_CONF="$run/softhsm2.conf"
  export SOFTHSM2_CONF
fi
# Where it is, is nobody's business further on.
unset BROP_SOFT_TOKEN

# The same as nodes/launch.ts gives the nodes that it starts; a test holds them together.
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=262144 MALLOC_TRIM_THRESHOLD_=1048576
if [ "${1:-}" = node ]; then
  shift
  set -- node --max-semi-space-size=4 --heap-growing-percent=30 --external-memory-accounted-in-global-limit \
    --initial-old-space-size=32 --disable-warning=ExperimentalWarning "$@"
fi
exec "$@"
