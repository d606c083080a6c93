#!/bin/sh
# Prepares what a node signs with, and becomes the command that it is given (node nodes/node/main.ts [config.json]).
#
#   BROP_CLOUDHSM_CLUSTER   cluster ID: the CloudHSM client is told the addresses of its HSMs
#   BROP_CLOUDHSM_CA        file with the certificate of the customer's CA (customerCA.crt); needed with a cluster
#   BROP_SOFT_TOKEN         where a SoftHSM2 token is (env:NAME, file:PATH or secretsmanager:ID): the folder of tokens as
#                           tar.gz in base64; it is unpacked into BROP_RUN_FOLDER, which should be in memory
#   BROP_RUN_FOLDER         default /tmp/brop
#
# A CloudHSM that is not there is said and no reason not to start: with "driver": "auto" the standby key signs.
set -eu
umask 077
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
export PATH

say() { echo "entrypoint: $*" >&2; }

if [ -n "${BROP_CLOUDHSM_CLUSTER:-}" ]; then
  configure=${BROP_CLOUDHSM_CONFIGURE:-/opt/cloudhsm/bin/configure-pkcs11}
  : "${BROP_CLOUDHSM_CA:?names the certificate of the customer CA, which BROP_CLOUDHSM_CLUSTER needs}"
  if addresses=$(node nodes/prepare/main.ts hsm-addresses "$BROP_CLOUDHSM_CLUSTER"); then
    # The addresses are words of their own. A single HSM is refused by the client unless it is told that this is meant.
    set -f
    # shellcheck disable=SC2086
    "$configure" -a $addresses --hsm-ca-cert "$BROP_CLOUDHSM_CA" >&2 || say "the CloudHSM client could not be configured"
    case $addresses in
      *' '*) ;;
      *) "$configure" --disable-key-availability-check >&2 || say "one HSM alone may be refused by the client" ;;
    esac
    set +f
  else
    say "the CloudHSM client is not configured"
  fi
fi

if [ -n "${BROP_SOFT_TOKEN:-}" ]; then
  run=${BROP_RUN_FOLDER:-/tmp/brop}
  rm -rf "$run/tokens"
  mkdir -p "$run/tokens"
  node nodes/prepare/main.ts soft-token "$BROP_SOFT_TOKEN" >"$run/tokens.tar.gz"
  tar -xzf "$run/tokens.tar.gz" -C "$run/tokens" --no-same-owner
  rm "$run/tokens.tar.gz"
  printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$run" >"$run/softhsm2.conf"
  SOFTHSM2_CONF="$run/softhsm2.conf"
  export SOFTHSM2_CONF
fi
# Where it is, is nobody's business further on.
unset BROP_SOFT_TOKEN

# The same as nodes/launch.ts gives the nodes that it starts; a test holds them together.
export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=262144 MALLOC_TRIM_THRESHOLD_=1048576
if [ "${1:-}" = node ]; then
  shift
  set -- node --max-semi-space-size=4 --heap-growing-percent=40 --external-memory-accounted-in-global-limit \
    --initial-old-space-size=32 --disable-warning=ExperimentalWarning "$@"
fi
exec "$@"
