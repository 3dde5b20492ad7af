#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the "lava" toolbox as root of a user namespace: LAVA's server, from an empty database until standard input ends. No systemd, no
# Apache, no Celery: PostgreSQL, gunicorn, the publisher of events and the scheduler are all that jobs take.
#     server.sh PORT USER WORKER DEVICE...
# The tokens of the user and of the worker are the first two lines of standard input, since everybody sees a command line.
# /mnt/work/devices has a dictionary, DEVICE.jinja2, for each device; its first line is "{# TYPE TAG... #}". Everything that is written goes
# to /mnt/work/log. Jobs can be submitted to 127.0.0.1:PORT when that answers.
set -eu
port=$1 user=$2 worker=$3
shift 3
read -r token
read -r worker_token
log=/mnt/work/log
mkdir -p $log

settings() {
	cat <<-EOF
	ALLOWED_HOSTS: ["127.0.0.1"]
	SECRET_KEY: "$(head -c 32 /dev/urandom | base64)"
	DATABASES: {default: {ENGINE: django.db.backends.postgresql, NAME: lavaserver, USER: lavaserver, HOST: /run/postgres}}
	SESSION_COOKIE_SECURE: false
	CSRF_COOKIE_SECURE: false
	EVENT_NOTIFICATION: true
	EVENT_SOCKET: "tcp://127.0.0.1:$((port + 2))"
	INTERNAL_EVENT_SOCKET: "ipc:///run/lava.events"
	CELERY_BROKER_URL: "memory://"
	STATIC_ROOT: "/run/static"
	EOF
}

# PostgreSQL refuses to be root. What is root here may be anybody one namespace further in.
as_postgres() {
	unshare --user --map-user="$(id -u postgres)" --map-group="$(id -g postgres)" "$@"
}

start_database() {
	local bin
	bin=$(echo /usr/lib/postgresql/*/bin)
	mkdir /run/postgres
	as_postgres "$bin/initdb" -D /run/postgres/data -U lavaserver --auth=trust --locale=C.UTF-8 --no-sync
	as_postgres "$bin/postgres" -D /run/postgres/data -k /run/postgres -c listen_addresses= -c fsync=off &
	until as_postgres "$bin/psql" -h /run/postgres -U lavaserver postgres -c 'CREATE DATABASE lavaserver'; do
		kill -0 $!
		sleep 0.1
	done
}

# One process instead of one for each: Django takes seconds to start.
fill_database() {
	lava-server manage migrate --noinput
	lava-server manage shell <<-EOF
	from django.contrib.auth.models import User
	from lava_scheduler_app.models import Device, DeviceType, Tag, Worker
	from linaro_django_xmlrpc.models import AuthToken
	user = User.objects.create_superuser("$user", "", None)
	AuthToken.objects.create(user=user, secret="$token", description="lab")
	worker = Worker.objects.create(hostname="$worker", token="$worker_token")
	for name in "$*".split():
	    words = open(f"/mnt/work/devices/{name}.jinja2").readline().strip("{#} \n").split()
	    kind, _ = DeviceType.objects.get_or_create(name=words[0])
	    device = Device.objects.create(hostname=name, device_type=kind, worker_host=worker, health=Device.HEALTH_GOOD)
	    device.tags.set([Tag.objects.get_or_create(name=tag)[0] for tag in words[1:]])

	EOF
}

# All but the documentation, a link to what the toolbox leaves out.
mkdir /run/static
find -L /usr/share/lava-server/static -mindepth 1 -maxdepth 1 -type d -exec ln -s {} /run/static/ \;

settings >/etc/lava-server/settings.d/99-lab.yaml
start_database >$log/postgres 2>&1
fill_database "$@" >$log/database 2>&1
cp /mnt/work/devices/*.jinja2 /etc/lava-server/dispatcher-config/devices/
mkdir -p "/etc/lava-server/dispatcher.d/$worker"
echo 'dispatcher_ip: 127.0.0.1' >"/etc/lava-server/dispatcher.d/$worker/dispatcher.yaml"

gunicorn3 lava_server.wsgi --log-file $log/gunicorn --worker-class gthread --workers 1 --threads 8 --bind "127.0.0.1:$port" >$log/wsgi 2>&1 &
lava-server manage lava-publisher --user root --group root --log-file $log/publisher --host 127.0.0.1 --port $((port + 1)) >$log/publisher.out 2>&1 &
lava-server manage lava-scheduler --user root --group root --log-file $log/scheduler --event-url "tcp://127.0.0.1:$((port + 2))" >$log/scheduler.out 2>&1 &
cat >/dev/null
