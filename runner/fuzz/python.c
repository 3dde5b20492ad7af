// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: a function of runner/fuzz/targets.py, named by FUZZ_TARGET. An exception that
 * leaves it is a crash.
 *
 * libFuzzer is told of the lines and branches of this project's Python through counters of our
 * own, which it looks at after each run beside those of the compiled code.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fuzz.h"

#define COUNTERS (1 << 15)

static __attribute__((section("__libfuzzer_extra_counters"))) uint8_t counters[COUNTERS];

static PyObject *run, *mutate, *disable;
static const char *folder; /* whose code counts, with a slash at the end */

static __attribute__((noreturn)) void die(void)
{
	PyErr_Print();
	abort();
}

/* Ends with the exception on the standard error where there is no object. */
static PyObject *must(PyObject *object)
{
	if (!object)
		die();
	return object;
}

static size_t mix(size_t hash, size_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15;
}

/*
 * Called for LINE (code, line), BRANCH (code, from, to) and PY_START (code, offset) of
 * sys.monitoring. Code that is none of ours is not asked for again.
 */
static PyObject *on_event(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
	const PyCodeObject *code = (const PyCodeObject *)args[0];
	const char *file = PyUnicode_AsUTF8(code->co_filename);
	size_t hash;

	(void)self;
	if (!file || strncmp(file, folder, strlen(folder)) || strstr(file, "/fuzz/"))
		return Py_NewRef(disable);
	hash = mix((size_t)PyObject_Hash(code->co_filename), (size_t)code->co_firstlineno);
	for (Py_ssize_t i = 1; i < n; i++)
		hash = mix(hash, (size_t)PyLong_AsLong(args[i]) + 1);
	hash = mix(hash, (size_t)n) >> 40;
	if (counters[hash % COUNTERS] < UINT8_MAX)
		counters[hash % COUNTERS]++;
	return Py_NewRef(Py_None);
}

static void watch(void)
{
	static PyMethodDef method = { .ml_name = "on_event",
				      .ml_meth = (PyCFunction)(void (*)(void))on_event,
				      .ml_flags = METH_FASTCALL };
	static const char *const names[] = { "LINE", "BRANCH", "PY_START" };
	PyObject *monitoring = must(PySys_GetObject("monitoring"));
	PyObject *events = must(PyObject_GetAttrString(monitoring, "events"));
	PyObject *callback = must(PyCFunction_New(&method, NULL));
	long id = PyLong_AsLong(must(PyObject_GetAttrString(monitoring, "COVERAGE_ID"))), all = 0;

	disable = must(PyObject_GetAttrString(monitoring, "DISABLE"));
	must(PyObject_CallMethod(monitoring, "use_tool_id", "ls", id, "fuzz"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		long event = PyLong_AsLong(must(PyObject_GetAttrString(events, names[i])));

		must(PyObject_CallMethod(monitoring, "register_callback", "llO", id, event,
					 callback));
		all |= event;
	}
	must(PyObject_CallMethod(monitoring, "set_events", "ll", id, all));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_TARGET");
	PyObject *module, *target;
	PyConfig config;

	(void)argc;
	(void)argv;
	folder = getenv("PYTHONPATH");
	CHECK(name && folder);
	PyConfig_InitPythonConfig(&config);
	config.install_signal_handlers = 0;
	config.write_bytecode = 0;
	config.use_hash_seed = 1; /* the same counters in every process */
	config.hash_seed = 0;
	CHECK(!PyStatus_Exception(Py_InitializeFromConfig(&config)));
	PyConfig_Clear(&config);
	module = must(PyImport_ImportModule("runner.fuzz.targets"));
	target = must(PyObject_CallMethod(module, "find", "s", name));
	run = must(PyObject_GetAttrString(target, "run"));
	mutate = must(PyObject_GetAttrString(target, "mutate"));
	watch();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Py_DECREF(must(PyObject_CallFunction(run, "y#", (const char *)data, (Py_ssize_t)size)));
	return 0;
}

/* Every other time libFuzzer's own mutation goes first, or is all there is. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	PyObject *made;
	Py_ssize_t n;
	char *bytes;

	if (seed % 2)
		size = LLVMFuzzerMutate(data, size, max);
	made = must(
		PyObject_CallFunction(mutate, "y#I", (const char *)data, (Py_ssize_t)size, seed));
	if (PyBytes_AsStringAndSize(made, &bytes, &n))
		die();
	size = (size_t)n < max ? (size_t)n : max;
	memcpy(data, bytes, size);
	Py_DECREF(made);
	return size;
}
