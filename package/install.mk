# SPDX-License-Identifier: GPL-2.0-only
# make install  puts suite, manual, manual page and completion under $(DESTDIR)$(PREFIX); make uninstall: removes them again
# make deb      the Debian package, in build/ (OUT=)
# make check-package  builds it, installs, uses and removes it in clean Debian trees (SUITES="bookworm trixie"; the first
#               time six minutes for each)

PREFIX ?= /usr/local
DESTDIR ?=
OUT ?= build
SUITES ?= bookworm trixie
DATA := $(PREFIX)/share/iommu-cts
DOC := $(PREFIX)/share/doc/iommu-cts
MAN := $(PREFIX)/share/man/man1
COMPLETIONS := $(PREFIX)/share/bash-completion/completions
# Of a checkout; in the tree of a package `make deb` has left a file.
COMMIT = $(shell cat COMMIT 2>/dev/null || { git rev-parse HEAD && { git diff --quiet HEAD || echo -dirty; } } | tr -d '\n')
WHEN = $(shell date -u -d "@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}" +%Y-%m-%d)
# What a suite runs from. No tests of the suite itself, nothing that was made here.
PARTS := completions fixtures lab lib results runner suites
LEFT_OUT := --exclude=tests --exclude=fuzz --exclude=__pycache__ --exclude=node_modules --exclude='.*' --exclude=README.md \
	--exclude=results/bench --exclude=results/bisect --exclude=results/runs --exclude=results/series --exclude=lab/lint.sh --exclude=lab/deps.sh

.PHONY: install uninstall deb check-package

install:
	install -d '$(DESTDIR)$(DATA)' '$(DESTDIR)$(DOC)/docs' '$(DESTDIR)$(MAN)' '$(DESTDIR)$(COMPLETIONS)' '$(DESTDIR)$(PREFIX)/bin'
	tar -c $(LEFT_OUT) $(PARTS) | tar -x --no-same-owner -C '$(DESTDIR)$(DATA)'
	install iommu-cts '$(DESTDIR)$(DATA)/'
	install -m 644 waivers.toml '$(DESTDIR)$(DATA)/'
	echo '$(COMMIT)' >'$(DESTDIR)$(DATA)/COMMIT'
	chmod -R go=u-w '$(DESTDIR)$(DATA)'
	ln -sf ../share/iommu-cts/iommu-cts '$(DESTDIR)$(PREFIX)/bin/iommu-cts'
	ln -sf ../../iommu-cts/completions/iommu-cts.bash '$(DESTDIR)$(COMPLETIONS)/iommu-cts'
	install -m 644 README.md '$(DESTDIR)$(DOC)/'
	install -m 644 docs/*.md docs/*.png '$(DESTDIR)$(DOC)/docs/'
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) package/manpage.py '$(shell echo $(COMMIT) | cut -c -12)' '$(WHEN)' '$(DATA)' '$(DOC)' >'$(DESTDIR)$(MAN)/iommu-cts.1'

uninstall:
	rm -rf '$(DESTDIR)$(DATA)' '$(DESTDIR)$(DOC)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/iommu-cts' '$(DESTDIR)$(COMPLETIONS)/iommu-cts' '$(DESTDIR)$(MAN)/iommu-cts.1'

deb:
	@lab/deps.sh deb
	@package/deb.sh '$(OUT)'

check-package:
	@lab/deps.sh deb
	@$(PYTHON) package/check.py $(SUITES)
