#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh FOLDER: builds the Debian package of the checkout's last commit, and with it of its changes, if there are any, into FOLDER.
# Its maintainer is $DEBFULLNAME <$DEBEMAIL>, by default the commit's author.
set -eu

cd "$(dirname "$0")/.."
commit=$(git rev-parse HEAD)
git diff --quiet HEAD || commit=$commit-dirty
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
version=0~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M%S).$(git rev-parse --short=12 HEAD)

author=$(git log -1 --format='%an <%ae>')
maintainer="${DEBFULLNAME:-iommu-cts maintainers} <${DEBEMAIL:-}>"
[ -n "${DEBEMAIL:-}" ] || maintainer=$author

mkdir -p "$1"
out=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/iommu-cts
mkdir "$tree"
git ls-files -z | tar -c --null --ignore-failed-read -T - | tar -x --no-same-owner -C "$tree"
mv "$tree/package/debian" "$tree/debian"
sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
echo "$commit" >"$tree/COMMIT"
# Who has the package need not have npm.
/usr/bin/python3 -m results.page.bundle "$tree/results/page/dist"
cat >"$tree/debian/changelog" <<END
iommu-cts ($version) unstable; urgency=medium

  * The state of commit $commit.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
(cd "$tree" && dpkg-buildpackage -b -us -uc -tc >"$scratch/log" 2>&1) || {
	tail -n 30 "$scratch/log" >&2
	exit 3
}
rm -f "$out"/iommu-cts_*_all.deb
mv "$scratch"/iommu-cts_*_all.deb "$out/"
ls "$out"/iommu-cts_*_all.deb
