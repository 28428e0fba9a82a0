#!/usr/bin/env bash
# Fails when a file is longer than it may be: 500 lines, a test 800, a header 250.
# Usage: check_size.sh SOURCE_ROOT
set -euo pipefail
cd "$1"
status=0
while IFS= read -r -d '' file; do
  case $file in
    ./tests/*) limit=800 ;;
    *.h) limit=250 ;;
    *) limit=500 ;;
  esac
  lines=$(wc -l <"$file")
  if ((lines > limit)); then printf '%s has %d lines; at most %d\n' "$file" "$lines" "$limit"; status=1; fi
done < <(find . \( -name build -o -name .git -o -name third_party \) -prune -o \( -name '*.cc' -o -name '*.h' \) -print0)
exit $status
