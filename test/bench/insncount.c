/* A plugin of QEMU that counts the instructions of a program by its functions and prints "instructions N function" for
   each at its end: qemu-xtensa -plugin ./insncount.so -d plugin …  It declares what it uses of the plugin interface,
   version 1. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb*));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int, void*, uint64_t);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
extern const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn*);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void*), void*);
extern void qemu_plugin_outs(const char*);

#define EXPORTED __attribute__((visibility("default")))
#define FUNCTIONS 4096

EXPORTED int qemu_plugin_version = 1;

static char names[FUNCTIONS][64];
static uint64_t counts[FUNCTIONS];
static int used;

/* The last one takes what is too much. */
static int find(const char* name)
{
	int i;
	for (i = 0; i < used; i++)
		if (!strncmp(names[i], name, sizeof names[0] - 1))
			return i;
	if (used == FUNCTIONS)
		return used - 1;
	strncpy(names[used], name, sizeof names[0] - 1);
	return used++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb* block)
{
	const char* name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0));
	int function = find(name ? name : "?");
	qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &counts[function], qemu_plugin_tb_n_insns(block));
}

static void ended(qemu_plugin_id_t id, void* data)
{
	char line[128];
	int i;
	for (i = 0; i < used; i++) {
		snprintf(line, sizeof line, "instructions %" PRIu64 " %s\n", counts[i], names[i]);
		qemu_plugin_outs(line);
	}
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
