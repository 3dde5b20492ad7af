# SPDX-License-Identifier: GPL-2.0-only
# make run      everything from nothing to judged runs on two virtual hosts (HOST=vtd: on one, ARGS= for more options of iommu-cts run)
# make check    the project's own tests; make lint: formatting, warnings, static checks, are docs/coverage.md and docs/profiles.md up to date
# make check-hosts  the suites on every virtual host, one after the other, and how long that took (ARGS as for make run)
# make check-again  the same run five times: do the verdicts stay the same? (HOST=vtd, ARGS="--runs 3", or "--time 3600" for as long)
# make check-sanitized  the suites and cts-exec, built with sanitizers, on a virtual host (HOST=vtd, ARGS="--select 'access/*'")
# make check-bench  kernels that differ in what a call costs: is it seen where it is, and nothing else?
# make bench-exec   what cts-exec itself costs for each test; make bench-discovery: finding devices on a host with 4,096 groups
# make bench-scale  200 simulated hosts, some of them slow or lying, with 5,000 tests each (ARGS="--hosts 50 --tests 1000")
# make bench-selftests  tests a second, of the kernel's own selftests and of these, in the same kind of guest
# make fuzz     libFuzzer on all that reads what others wrote (TIME=600 seconds for each target, TARGETS= for some of them)
# make check-kill   kills the runner and QEMU at random moments (ARGS=how often each, 50 by default; half an hour); OVER=ssh or OVER=lava: what
#                   there is on the way to a machine, too
# make check-lab    runs as jobs of a LAVA laboratory that is made here: are the verdicts the same? (a quarter of an hour)
# make check-local  a machine in use, in QEMU: what must not be touched, kills, a panic, an ordinary user (half an hour)
# make check-manual  does what docs/vendor.md, distribution.md and maintainer.md show, and compares (ARGS=vendor: that page)
# make check-ssh    a machine that ssh reaches, in QEMU: tests that take it down, connections that break (half an hour)
# make check-series  iommu-cts series and bisect on kernels of which it is known what changed (the first time half an hour)
# make check-page  the report page in Chromium; make bench-page: how fast it is with 5,000 results
# make bench-history  importing 10,000 runs into the history, and asking it (ARGS="--runs 1000")
# make install, deb, check-package: package/install.mk
# DEPS=print make run   only lists the Debian packages that this needs

comma := ,
# Of make run: an emulated device, and the endpoint in software.
HOSTS := $(or $(HOST),vtd$(comma)vtd-endpoint)
HOST ?= vtd
ARGS ?=
TIME ?= 600
TARGETS ?=
OVER ?=
PYTHON := /usr/bin/python3

.PHONY: run check check-again check-bench check-hosts check-kill check-lab check-local check-manual check-page check-sanitized check-series check-ssh lint \
	bench-discovery bench-exec bench-history bench-page bench-scale bench-selftests clean fuzz

ifeq ($(DEPS),print)

run check check-page check-sanitized lint fuzz deb:
	@lab/deps.sh $@ print

else

run:
	@lab/deps.sh run
	@./iommu-cts run --host $(HOSTS) $(ARGS)

check:
	@lab/deps.sh check
	@$(PYTHON) -m pytest -q $(ARGS)

check-hosts:
	@lab/deps.sh run
	@./iommu-cts run --host all $(ARGS)

check-again:
	@lab/deps.sh run
	@$(PYTHON) -m runner.again --host $(HOST) $(ARGS)

check-bench:
	@lab/deps.sh run
	@$(PYTHON) -m runner.tests.check_bench

check-page:
	@lab/deps.sh check-page
	@$(PYTHON) -m pytest -q results/tests/check_page.py $(ARGS)

check-sanitized:
	@lab/deps.sh run
	@$(PYTHON) -m runner.sanitized --host $(HOST) $(ARGS)

check-lab:
	@lab/deps.sh check
	@$(PYTHON) -m runner.tests.check_lab $(ARGS)

check-local:
	@lab/deps.sh run
	@$(PYTHON) -m runner.tests.check_local

check-ssh:
	@lab/deps.sh $@
	@$(PYTHON) -m runner.tests.check_ssh $(ARGS)

check-manual:
	@lab/deps.sh check
	@lab/deps.sh page
	@$(PYTHON) -m runner.tests.check_manual $(ARGS)

check-series:
	@lab/deps.sh run
	@$(PYTHON) -m runner.tests.check_series

lint:
	@lab/deps.sh lint
	@$(PYTHON) -m lab.lint
	@$(PYTHON) -m results.page.types
	@$(PYTHON) -m runner.profiles_page
	@$(PYTHON) -m runner.coverage

bench-exec:
	@lab/deps.sh check
	@$(PYTHON) runner/tests/bench_exec.py

bench-discovery:
	@lab/deps.sh check
	@$(PYTHON) -m runner.tests.bench_discovery

bench-page:
	@lab/deps.sh check-page
	@$(PYTHON) -m results.tests.bench_page

bench-history:
	@lab/deps.sh check
	@$(PYTHON) -m results.tests.bench_history $(ARGS)

bench-scale:
	@lab/deps.sh check
	@$(PYTHON) -m runner.tests.scale $(ARGS)

bench-selftests:
	@lab/deps.sh run
	@$(PYTHON) -m runner.tests.bench_selftests

fuzz:
	@lab/deps.sh fuzz
	@$(PYTHON) -m runner.fuzz --time $(TIME) $(TARGETS)

check-kill:
	@lab/deps.sh check
	@$(PYTHON) -m runner.tests.stress_kill$(addprefix _,$(OVER)) $(ARGS)

include package/install.mk

endif

# What a run left is kept: results/runs/. The cache is the business of `iommu-cts lab clean`.
clean:
	find . -name __pycache__ -type d -prune -exec rm -r {} +
