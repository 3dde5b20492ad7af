#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the "lava" toolbox as root of a user namespace: LAVA's worker, for the server at 127.0.0.1:$1, under the name $2. The first line of
# standard input is its token. Then it does what it is told, one word a line, until the end: "start" the worker, or "kill" it, as a crash
# would. Jobs go on without it.
set -eu
port=$1 name=$2
read -r token
mkdir -p /mnt/work/log /var/lib/lava/dispatcher/{cache,results,tmp,worker}
(umask 077 && echo "$token" >/run/token)

while read -r word; do
	case $word in
	start)
		lava-worker --name "$name" --url "http://127.0.0.1:$port/" --ws-url "http://127.0.0.1:$((port + 1))/ws/" \
			--token-file /run/token --ping-interval 2 --job-log-interval 1 \
			--log-file /mnt/work/log/lava-worker >>/mnt/work/log/worker.out 2>&1 &
		;;
	kill)
		kill -9 $!
		wait $! || true
		;;
	esac
done
