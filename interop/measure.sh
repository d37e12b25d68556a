#!/usr/bin/env bash
# Measures everything that docs/speed.md shows, writes measured/*.json, and from that the
# tables and drawings of the page: interop/measure.sh [LAYOUTS], 15 unless told. Give it an
# idle machine for about five minutes. go run ./plot alone draws what is there.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p measured
missed=0
JSON=$PWD/measured/speed.json ./speed.sh "${1:-15}" || missed=1
go run ./speed lengths >measured/lengths.json
go run ./connections json >measured/connections.json
go run ./tunnels json >measured/tunnels.json
go run ./plot
exit $missed
