#!/usr/bin/env bash
# Shows the whole of distilld on pictures that it draws itself: a daemon of its own on loopback, a
# teacher, a student trained plainly and the same student taught by the teacher, and their figures
# in one table. Does all set-up by itself; stops what it started, on Ctrl-C too.
#
# Usage: deploy/demo.sh [--preset NAME] [--libtorch auto|apt|pip]
#
# Everything lies in build/demo, which is made anew each time.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_arguments=()
while (($#)); do
  case $1 in
    --preset | --libtorch) build_arguments+=("$1" "${2:?$1 needs a value}"); shift ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) printf 'demo: unknown argument: %s (try --help)\n' "$1" >&2; exit 2 ;;
  esac
  shift
done

say() { printf 'demo: %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

demo=$root/build/demo
state=$demo/state
mkdir -p "$root/build"
exec 9>"$root/build/demo.lock"
flock --nonblock 9 || die 'another demo is running from this folder'

folder=$("$root/deploy/build.sh" "${build_arguments[@]}" distilld distillctl distill_worker distill_demo_data 9>&-)
started=$SECONDS
rm -rf "$demo"
mkdir -p "$demo/weights" "$state"

daemon=
jobs=()
stop() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if [[ -n $daemon ]] && kill -0 "$daemon" 2>/dev/null; then
    # A worker outlives its daemon by design: what still runs is cancelled first.
    for job in "${jobs[@]}"; do ctl cancel "$job" >/dev/null 2>&1 || true; done
    ((${#jobs[@]} == 0)) || ctl wait --timeout 30s "${jobs[@]}" >/dev/null 2>&1 || true
    kill -TERM "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
  fi
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "drawing 6 classes of shapes into $demo/images"
"$folder/deploy/distill_demo_data" "$demo/images" 120

# Port 0: any free one. The daemon writes its address once it serves. A session of its own keeps
# Ctrl-C for this script.
setsid "$folder/bin/distilld" --listen 127.0.0.1:0 --state-dir "$state" \
  --dataset-roots "$demo/images" --weights-roots "$demo/weights" --weights-dir "$demo/weights" \
  >"$demo/distilld.log" 2>&1 </dev/null 9>&- &
daemon=$!
for ((i = 0; i < 300; ++i)); do
  [[ ! -s $state/distilld.address ]] || break
  kill -0 "$daemon" 2>/dev/null || { cat "$demo/distilld.log" >&2; die 'distilld did not start'; }
  sleep 0.1
done
[[ -s $state/distilld.address ]] || die "distilld does not serve; see $demo/distilld.log"
DISTILL_SERVER=$(<"$state/distilld.address")
export DISTILL_SERVER
ctl() { "$folder/bin/distillctl" "$@" 9>&-; }
say "distilld serves on $DISTILL_SERVER (log: $demo/distilld.log)"

# run ARGUMENT...: shows the command as a user would type it, then runs it.
run() { printf '$ distillctl %s\n' "$*"; ctl "$@"; }

recipe=(--dataset shapes --image-size 64 --batch-size 16 --lr 1e-3 --flip 0.5 --seed 1)
run dataset add shapes "$demo/images" --val 0.15 --test 0.25
jobs=(teacher plain distilled teacher-eval plain-eval distilled-eval)
run train --name teacher --model resnet18 --epochs 10 "${recipe[@]}"
run train --name plain --model mobilenetv2 --epochs 12 "${recipe[@]}"
run train --name distilled --model mobilenetv2 --epochs 12 "${recipe[@]}" --kd soft-target --kd-ratio 0.7 --teacher teacher
for job in teacher plain distilled; do run eval "$job" --name "$job-eval" --split val,test --tta; done
run watch teacher plain distilled
ctl wait "${jobs[@]}" >/dev/null
printf '\n'
run table teacher plain distilled
run get-model distilled -o "$demo/distilled.safetensors"
ctl table --markdown teacher plain distilled >"$demo/table.md"
jobs=()

printf '\n'
say "$((SECONDS - started)) s. What it left:"
say "  the table        $demo/table.md"
say "  the student      $demo/distilled.safetensors"
say "  images           $demo/images"
say "  database, runs   $state"
printf -v again '%q ' "$folder/bin/distilld" --state-dir "$state" --dataset-roots "$demo/images"
say "look around again: $again"
