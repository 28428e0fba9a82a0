#!/usr/bin/env bash
# Fails when a configuration file says anything but the defaults, or lacks an option.
# Usage: check_config.sh DISTILLD FILE
set -euo pipefail
diff <("$1" --print-config) <("$1" --config "$2" --print-config)
"$1" --print-config | sed -n 's/^\([a-z_]*\) *=.*/\1/p' | while IFS= read -r key; do
  grep -q "^$key *=" "$2" || { printf '%s lacks %s\n' "$2" "$key"; exit 1; }
done
