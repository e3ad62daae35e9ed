/*
 * Counts the instructions that a program executes under qemu's user-mode emulation.
 *
 *   qemu-aarch64 -plugin counter.so,out=FILE[,marker=NUMBER] PROGRAM
 *
 * Whenever the program makes the marker system call (aarch64's getppid, 173, unless told), one line
 * is added to FILE: the number of the virtual processor (a thread), and how many instructions that
 * processor has executed so far. The difference of two lines is exact: a block of instructions is
 * counted when it is entered, and a system call always ends its block.
 *
 * Debian's qemu-user has no header for plugins, so what is used of the interface (version 1, that of
 * qemu 7.2 and later) is declared here. Its manual: docs/devel/tcg-plugins.rst of qemu.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_info; /* only passed through */

enum callback_flags { CALLBACK_READS_NO_REGISTERS = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          void (*callback)(unsigned int processor, void *data),
                                          enum callback_flags flags, void *data);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id id,
                                          void (*callback)(plugin_id, unsigned int processor,
                                                           int64_t number, uint64_t, uint64_t,
                                                           uint64_t, uint64_t, uint64_t, uint64_t,
                                                           uint64_t, uint64_t));

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv);

/* A processor's slot is written by its own thread only; each has a cache line to itself. */
enum { PROCESSORS = 1024 };
static struct {
    uint64_t executed;
    char padding[56];
} slots[PROCESSORS];

static FILE *out;
static int64_t marker = 173;

static void enter_block(unsigned int processor, void *instructions)
{
    slots[processor % PROCESSORS].executed += (uintptr_t)instructions;
}

static void translate_block(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, enter_block, CALLBACK_READS_NO_REGISTERS,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void enter_system_call(plugin_id id, unsigned int processor, int64_t number, uint64_t a1,
                              uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                              uint64_t a7, uint64_t a8)
{
    (void)id, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == marker) {
        fprintf(out, "%u %" PRIu64 "\n", processor, slots[processor % PROCESSORS].executed);
        fflush(out);
    }
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "marker=", 7) == 0) {
            marker = strtoll(argv[i] + 7, NULL, 10);
        } else {
            fprintf(stderr, "counter: unknown argument %s\n", argv[i]);
            return 1;
        }
    }
    if (out == NULL) {
        fprintf(stderr, "counter: needs out=FILE, a file that can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate_block);
    qemu_plugin_register_vcpu_syscall_cb(id, enter_system_call);
    return 0;
}
