#!/usr/bin/env bash
# Images per second of a SoftTarget step resnet50 -> mobilenetv2 (batch 16, 224x224) by our core,
# beside the same step in Python that back-propagates through its teacher, in turn, same threads.
# Usage: step.sh BUILD_FOLDER [PYTHON]      (ROUNDS, STEPS, BATCH, SIZE, THREADS in the environment)
# Needs `ninja -C BUILD_FOLDER bench_step` first, and a Python with torch and torchvision (Debian:
# python3-torchvision).
set -euo pipefail
build=$1
python=${2:-python3}
here=$(cd "$(dirname "$0")" && pwd)
rounds=${ROUNDS:-3} steps=${STEPS:-3} batch=${BATCH:-16} size=${SIZE:-224} threads=${THREADS:-$(nproc)}
export OMP_NUM_THREADS=$threads
ours='' peers=''
for ((round = 0; round < rounds; ++round)); do
  ours+=" $("$build"/tests/bench/bench_step "$steps" "$batch" "$size" "$threads")"
  peers+=" $("$python" "$here"/step_peer.py "$steps" "$batch" "$size" "$threads")"
done
median() { tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
ours=$(median "$ours") peers=$(median "$peers")
awk -v o="$ours" -v p="$peers" -v b="$batch" -v t="$threads" 'BEGIN {
  printf "threads %d, batch %d, medians\n", t, b
  printf "distilld   %.3f s/step  %.2f images/s\n", o, b / o
  printf "peer       %.3f s/step  %.2f images/s\n", p, b / p
  printf "ratio      %.2f\n", p / o }'
