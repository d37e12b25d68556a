#!/usr/bin/env bash
# Installs the programs that the tests in interop/ need, as root on Debian 12: system
# packages, and in interop/.installed the programs of which Debian has no suitable version.
# Only interop/ uses that directory. A second run installs only what is missing. The script
# starts no service. It installs Java only if there is no javac. It does not install node
# with npm, docker or kubectl. It needs npm, and warns if one of the others is missing; of
# docker and kubectl the tests use only the clients.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p .installed

packages=(
	curl nghttp2-client openjdk-17-jdk-headless # HTTP and h2c
	chromium python3-websockets python3-wsproto python3-aiohttp python3-tornado python3-websocket
	cups-client cups-ipp-utils cups-daemon # RFC 2817, both sides
	nginx-light haproxy apache2 varnish squid lighttpd nghttp2-proxy privoxy
	gcc libc6-dev # varnish compiles its configuration
)
missing=()
for package in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if command -v javac >/dev/null; then
	missing=("${missing[@]/openjdk-17-jdk-headless/}")
fi
read -ra missing <<<"${missing[*]}"
if [ ${#missing[@]} -gt 0 ]; then
	# Without this file the packages would start their servers.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# curl speaks ws:// since release 8.11, which Debian 12 has in its backports. It is unpacked
# into .installed; the system's package lists and packages stay as they are.
if [ ! -x .installed/curl8/usr/bin/curl ]; then (
	target=$PWD/.installed/curl8
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	# The mirror is the one of the system's own packages.
	mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" && !found++ { print $1 }')
	if [ -z "$mirror" ]; then
		echo 'no mirror of bookworm in the sources of apt' >&2
		exit 1
	fi
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm-backports main" >sources.list
	mkdir -p lists/partial unpacked
	private=(-q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$work/lists"
		-o Dir::Cache::PkgCache="$work/pkgcache.bin" -o Dir::Cache::SrcPkgCache="$work/srcpkgcache.bin" -o APT::Sandbox::User=root)
	apt-get "${private[@]}" update
	apt-get "${private[@]}" -t bookworm-backports download curl libcurl4
	for package in ./*.deb; do
		dpkg -x "$package" unpacked
	done
	rm -rf "$target"
	mv unpacked "$target"
	chmod 755 "$target"
); fi

npm install --prefix .installed --ignore-scripts --no-audit --no-fund --save-exact \
	ws@8.23.0 undici@7.30.2 dockerode@5.0.1

for program in node docker kubectl; do
	command -v "$program" >/dev/null || echo "$program is not installed: its tests are skipped" >&2
done
