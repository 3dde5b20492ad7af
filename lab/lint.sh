#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the lint toolbox, in the repository's top folder (read-only), with the kernel's source in /mnt/ksrc and its uAPI headers in
# /mnt/khdr. Goes through all checks and fails at the end if one of them did.
set -u

failed=0
check() {
	echo "lint: $1"
	shift
	"$@" || failed=1
}

mapfile -t c_files < <(find lib suites runner lab fixtures -name '*.[ch]' 2>/dev/null | sort)
# The compiler and the checks of programs are not for kernel modules; those are built with more warnings than the kernel itself (lab/modules.py).
mapfile -t sources < <(printf '%s\n' "${c_files[@]}" | grep '[.]c$' | grep -v -e '^fixtures/hold/' -e '^fixtures/mdev/')
mapfile -t scripts < <(find . -name '*.sh' -not -path './.git/*'; printf '%s\n' .ci/run completions/*.bash)
# Written against the kernel tree's vfio selftest library, whose headers go before the exported ones of the same names.
mapfile -t tree_sources < <(printf '%s\n' "${sources[@]}" | grep 'libvfio')
mapfile -t own_sources < <(printf '%s\n' "${sources[@]}" | grep -v 'libvfio')
tree_includes=(-isystem /mnt/ksrc/tools/include -isystem /mnt/ksrc/tools/testing/selftests/vfio/lib/include)
includes=(-Ilib -isystem /mnt/khdr/include -isystem /mnt/ksrc/tools/testing/selftests -isystem /mnt/ksrc/drivers/iommu/iommufd
	-isystem "$(python3 -c "import sysconfig; print(sysconfig.get_path('include'))")")

check "clang-format" clang-format --dry-run -Werror "${c_files[@]}"
strict=(gcc -std=gnu11 -O2 -fsyntax-only -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla
	-Wpointer-arith -Wundef -Wno-format-nonliteral -D_GNU_SOURCE -DCTS_VERSION='"lint"' -DCTS_KSRC_IGB -DCTS_KSRC_DSA -DCTS_KSRC_IOAT
	-DCTS_KSRC_NV_FALCON)
check "gcc, more warnings than the build" "${strict[@]}" "${includes[@]}" "${own_sources[@]}"
check "gcc, on what stands on the kernel tree's library" "${strict[@]}" "${tree_includes[@]}" "${includes[@]}" "${tree_sources[@]}"
check "cppcheck" cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 \
	--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress='*:/mnt/k*' \
	-D__x86_64__ -Ilib -I/mnt/ksrc/tools/testing/selftests "${sources[@]}"
check "mypy --strict" mypy --cache-dir=/tmp/mypy
check "flake8" flake8 --max-line-length=140 --extend-ignore=E203 iommu-cts fixtures lab lib package runner results
check "shellcheck" shellcheck "${scripts[@]}"
exit "$failed"
