#!/usr/bin/env bash
# Prints the table of ratios: interop/speed.sh [LAYOUTS [PART]], by default with 7 layouts
# and all rows; with PART, only the rows with PART in their name. Builds the same program
# with LAYOUTS random link layouts, runs one build after the other, and reports the
# medians. Exits 1 if a row misses its target. With JSON=FILE it also writes the figures to
# FILE.
set -euo pipefail
cd "$(dirname "$0")"
layouts=${1:-7}
part=${2:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for i in $(seq "$layouts"); do
	go build -ldflags="-randlayout=$((RANDOM * 32768 + RANDOM + 1))" -o "$dir/speed$i" ./speed
done
for i in $(seq "$layouts"); do
	"$dir/speed$i" run ${part:+"$part"} >"$dir/run$i.json"
done
[ -z "${JSON:-}" ] || "$dir/speed1" summary "$dir"/run*.json >"$JSON"
"$dir/speed1" report "$dir"/run*.json
