# SPDX-License-Identifier: GPL-2.0-only
# make run      everything from nothing to a judged run on a virtual host (HOST=vtd, ARGS= for more options of iommu-cts run)
# make check    the project's own tests; make lint: formatting, warnings, static checks
# make bench-exec   what cts-exec itself costs for each test
# make check-kill   kills the runner and QEMU at random moments (ARGS=how often each, 50 by default; half an hour)
# DEPS=print make run   only lists the Debian packages that this needs

HOST ?= vtd
ARGS ?=
PYTHON := /usr/bin/python3

.PHONY: run check lint bench-exec check-kill clean

ifeq ($(DEPS),print)

run check lint:
	@lab/deps.sh $@ print

else

run:
	@lab/deps.sh run
	@./iommu-cts run --host $(HOST) $(ARGS)

check:
	@lab/deps.sh check
	@$(PYTHON) -m pytest -q $(ARGS)

lint:
	@lab/deps.sh lint
	@$(PYTHON) -m lab.lint

bench-exec:
	@lab/deps.sh check
	@$(PYTHON) runner/tests/bench_exec.py

check-kill:
	@lab/deps.sh check
	@PYTHONPATH=. $(PYTHON) runner/tests/stress_kill.py $(ARGS)

endif

# What a run left is kept: results/runs/. The cache is the business of `iommu-cts lab clean`.
clean:
	find . -name __pycache__ -type d -prune -exec rm -r {} +
