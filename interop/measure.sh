#!/usr/bin/env bash
# Measures everything that docs/speed.md shows, writes the figures to measured/*.json, and
# makes the tables and drawings of the page from them: interop/measure.sh [LAYOUTS], by
# default 15. It needs an idle machine for about five minutes. To draw existing figures
# again, run go run ./plot.
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
