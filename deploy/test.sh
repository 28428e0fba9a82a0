#!/usr/bin/env bash
# Sets up, builds everything with its tests and runs them (all but the slow ones and those that need a GPU).
#
# Usage: deploy/test.sh [--preset NAME] [--libtorch auto|apt|pip|none] [-- CTEST-ARGUMENT...]
#
# Ends with one line, "N passed, N failed, N skipped", and with 0 only when none failed. Skipped
# cases inside a test program count as skipped. The whole output is in the build folder's test.log.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=default
libtorch=auto
while (($#)); do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift ;;
    --libtorch) libtorch=${2:?--libtorch needs a value}; shift ;;
    --) shift; break ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) printf 'test: unknown argument: %s (try --help)\n' "$1" >&2; exit 2 ;;
  esac
  shift
done

folder=$("$root/deploy/build.sh" --preset "$preset" --libtorch "$libtorch")
log=$folder/test.log
report=$folder/test-report.xml
printf 'test: running the tests; all output: %s\n' "$log"
started=$SECONDS
status=0
# Threads that wait for each other must not spin: the machine may be busy.
OMP_WAIT_POLICY=passive ctest --test-dir "$folder" --no-tests=error --label-exclude "gpu|slow" \
  --parallel "$(nproc)" --output-on-failure --output-junit "$report" \
  --test-output-size-passed 100000000 --test-output-size-failed 100000000 "$@" >"$log" 2>&1 </dev/null ||
  status=$?

# Programs that hold many cases count by case; the rest (lints, one test per case) by CTest's entry.
python3 - "$report" <<'PYTHON' || status=1
import re
import sys
import xml.etree.ElementTree as tree



def heart(output):
    """What failed, in GoogleTest's words, and the end, where a crash or a script tells its cause."""
    lines = output.splitlines()
    starts = [at for at, line in enumerate(lines) if line.endswith(": Failure")][:5]
    told = sorted({at for start in starts for at in range(start, min(start + 12, len(lines)))}
                  | set(range(max(0, len(lines) - 20), len(lines))))
    return "\n".join("  " + lines[at] for at in told)


MOST_TOLD = 10  # in full
passed = failed = skipped = told = 0
try:
    suite = tree.parse(sys.argv[1]).getroot()
except (OSError, tree.ParseError):
    sys.exit("test: ctest left no report")
for case in suite.iter("testcase"):
    output = case.findtext("system-out") or ""
    ok = len(re.findall(r"^\[       OK \] ", output, re.MULTILINE))
    bad = len(set(re.findall(r"^\[  FAILED  \] (\S+\.[^\s,]+)", output, re.MULTILINE)))
    left = len(set(re.findall(r"^\[  SKIPPED \] (\S+\.\S+)", output, re.MULTILINE)))
    if case.get("status") == "fail" and bad == 0:
        bad = 1  # it crashed, timed out, or is no GoogleTest program
    elif ok + bad + left == 0:
        ok, left = (0, 1) if case.get("status") in ("notrun", "disabled") else (1, 0)
    passed, failed, skipped = passed + ok, failed + bad, skipped + left
    if bad:
        print(f"test: FAILED {case.get('name')}")
        told += 1
        if told <= MOST_TOLD:
            print(heart(output))
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
PYTHON
printf 'test: %d s\n' "$((SECONDS - started))" >&2
((status == 0)) || { tail -n 60 "$log"; exit "$status"; }
