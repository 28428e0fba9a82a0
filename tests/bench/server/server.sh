#!/usr/bin/env bash
# Figures of the daemon on this machine, beside a bare gRPC echo and a bare SQLite insert of the same
# run. Usage: server.sh BUILD_FOLDER [JOBS [METRIC_ROWS [PART]]], PART one of ingest, watchers, adoption,
# submit, list, start.
# Needs `ninja -C BUILD_FOLDER bench_server` first, an optimised build (cmake --preset dev), some
# minutes and 2 GiB in $TMPDIR. DISTILLD in the environment names another distilld to measure.
set -euo pipefail
build=$1
shift
printf '%s, %d cores, %s, state on %s\n' "$(uname -m)" "$(nproc)" \
  "$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")" \
  "$(stat -f -c %T "${TMPDIR:-/tmp}")"
exec "$build"/tests/bench/server/bench_server "$@"
