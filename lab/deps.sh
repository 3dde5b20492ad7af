#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh run|check|check-page|check-ssh|lint|fuzz|deb|page [print]: makes sure that this machine has the Debian packages that the make target of that name needs,
# installs what is missing if root runs it, or says which command to run. `print` only lists them.
# deps.sh package names: what a package of the suite depends on.
set -eu

packages="bubblewrap debian-archive-keyring mmdebstrap python3 python3-jinja2 python3-jsonschema python3-junitparser python3-numpy python3-rich \
	python3-yaml xz-utils"
[ "$(id -u)" -eq 0 ] && [ "$1" != package ] || packages="$packages uidmap"
[ "$1" != check-ssh ] || packages="$packages openssh-client"
[ "$1" != check ] || packages="$packages gcc git libc6-dev libnuma-dev openssh-client python3-pytest"
[ "$1" != deb ] || packages="$packages debhelper dh-python dpkg-dev git lintian mandoc openssh-client"
case $1 in page | check-page | lint | deb)
	# A nodejs from elsewhere has brought its npm along.
	command -v npm >/dev/null || packages="$packages nodejs npm" ;;
esac
[ "$1" != check-page ] || packages="$packages chromium chromium-driver poppler-utils python3-pytest python3-selenium"
if [ "${2:-}" = names ]; then
	echo "$packages"
	exit 0
fi

missing=""
for package in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done

if [ "${2:-}" = print ]; then
	echo "packages for make $1: $packages"
	echo "not installed: ${missing:- none}"
	exit 0
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "make $1 needs Debian packages that are not installed. Run once, then everything works without root:" >&2
	echo "    sudo apt-get install --no-install-recommends$missing" >&2
	exit 3
fi
echo "installing$missing" >&2
# An archive that is already known needs no update; a fresh machine knows none.
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
	apt-get update -q >&2
	apt-get install -y -q --no-install-recommends $missing >&2
}
