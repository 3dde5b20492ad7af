// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of a virtual host: mounts what the suites need, loads the
 * kernel modules that the ramdisk brings (in the order of their names), finds
 * the virtio-serial port of the runner and gives it to cts-exec; or, with
 * "cts.shell" on the kernel command line, starts a shell on the console.
 * When that ends the machine is powered off. "cts.reset_method=" on the command
 * line says how functions are reset.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_NAME "org.iommu-cts"
#define PORT_DEADLINE_MS 60000
#define MODULES "/modules"

static void say(const char *what, const char *which)
{
	fprintf(stderr, "cts-init: %s %s: %s\n", what, which, strerror(errno));
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "securityfs", "/sys/kernel/security" },
		{ "hugetlbfs", "/dev/hugepages" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		/* The kernel may have mounted /dev itself; the others may be left out of its
		 * configuration. */
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) &&
		    errno != EBUSY)
			say("mount", mounts[i].where);
	}
}

static void load_modules(void)
{
	struct dirent **names;
	int count = scandir(MODULES, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), MODULES "/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			say("load", path);
		if (fd >= 0)
			close(fd);
	}
}

/* Stores the path of the runner's port in @path and returns 1 if there is one by now. */
static int find_port(char *path, size_t size)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int found = 0;

	if (!ports)
		return 0;
	while (!found && (entry = readdir(ports))) {
		char file[PATH_MAX], name[64] = "";
		FILE *stream;

		snprintf(file, sizeof(file), "/sys/class/virtio-ports/%s/name", entry->d_name);
		stream = fopen(file, "re");
		if (!stream)
			continue;
		if (fgets(name, sizeof(name), stream))
			name[strcspn(name, "\n")] = '\0';
		fclose(stream);
		if (strcmp(name, PORT_NAME))
			continue;
		snprintf(path, size, "/dev/%s", entry->d_name);
		found = !access(path, R_OK | W_OK);
	}
	closedir(ports);
	return found;
}

/* The port comes with a message from QEMU, some time after its driver: wait for it to show up in
 * /dev. */
static int wait_for_port(char *path, size_t size)
{
	struct pollfd events = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
	char buffer[4096];

	inotify_add_watch(events.fd, "/dev", IN_CREATE | IN_ATTRIB);
	while (!find_port(path, size)) {
		if (poll(&events, 1, PORT_DEADLINE_MS) <= 0)
			return -1;
		if (read(events.fd, buffer, sizeof(buffer)) < 0)
			return -1;
	}
	close(events.fd);
	return 0;
}

/* What follows @start in the word of the kernel command line that begins with it; NULL if there is
 * none. */
static const char *find_word(const char *start)
{
	static char line[4096];
	size_t length = strlen(start);
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = '\0';
	for (char *next = strtok(line, " \n"); next; next = strtok(NULL, " \n"))
		if (!strncmp(next, start, length))
			return next + length;
	return NULL;
}

/* Has every PCI function that can do so reset by @method (see the ABI of reset_method in sysfs). */
static void set_reset_method(const char *method)
{
	glob_t found;

	if (glob("/sys/bus/pci/devices/*/reset_method", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		/* A function that can't do it answers with an error and keeps its own. */
		if (write(fd, method, strlen(method)) < 0 && errno != EINVAL)
			say("write", found.gl_pathv[i]);
		close(fd);
	}
	globfree(&found);
}

/* The runner looks for this line, to tell a program of the suite that failed from a kernel that
 * did. */
static void report_death(const char *what, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "cts-init: %s died of signal %d\n", what, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "cts-init: %s died with exit code %d\n", what, WEXITSTATUS(status));
}

static void run(char *const argv[])
{
	pid_t child = fork(), done;
	int status = 0;

	if (!child) {
		setsid();
		ioctl(STDIN_FILENO, TIOCSCTTY, 1);
		execv(argv[0], argv);
		say("start", argv[0]);
		_exit(127);
	}
	/* As the first process it also inherits and buries everybody's orphans. */
	do
		done = wait(&status);
	while (done != child && !(done < 0 && errno == ECHILD));
	report_death(argv[0], status);
}

int main(void)
{
	char port[PATH_MAX];
	char *shell[] = { "/bin/sh", NULL };
	char *exec[] = { "/cts-exec", "--stream", port, NULL };

	const char *method;

	mount_all();
	load_modules();
	method = find_word("cts.reset_method=");
	if (method)
		set_reset_method(method);
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/", 1);
	if (find_word("cts.shell")) {
		puts("A shell on the virtual host; the suites are in /suites, `exit` powers it off.");
		run(shell);
	} else if (wait_for_port(port, sizeof(port))) {
		fprintf(stderr, "cts-init: no virtio-serial port named %s after %d s\n", PORT_NAME,
			PORT_DEADLINE_MS / 1000);
	} else {
		run(exec);
	}
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
