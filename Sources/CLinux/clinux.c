#define _GNU_SOURCE
#include "clinux.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(struct cl_mmsghdr) == sizeof(struct mmsghdr), "same layout");
_Static_assert(offsetof(struct cl_mmsghdr, msg_len) == offsetof(struct mmsghdr, msg_len),
               "same layout");

int cl_recvmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags) {
    return recvmmsg(fd, (struct mmsghdr *)messages, count, flags, NULL);
}

int cl_sendmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags) {
    return sendmmsg(fd, (struct mmsghdr *)messages, count, flags);
}

int cl_accept4(int fd, int flags) { return accept4(fd, NULL, NULL, flags); }

int cl_pin_thread(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

int cl_keep_thread_off(int processor) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    CPU_CLR(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

void cl_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

/* Not inline: the thread sanitizer must see them. */
uint32_t cl_load_word(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

uint32_t cl_exchange_word(uint32_t *word, uint32_t value) {
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

uint32_t cl_replace_word(uint32_t *word, uint32_t expected, uint32_t value) {
    __atomic_compare_exchange_n(word, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

void cl_sleep_on_word(const uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void cl_wake_on_word(const uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void cl_wake_all_on_word(const uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

uint32_t cl_add_to_word(uint32_t *word, uint32_t value) {
    return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

void cl_spin_on_word(const uint32_t *word, uint32_t value, uint32_t looks) {
    while (looks-- > 0 && cl_load_word(word) == value) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

int cl_drop_network_capabilities(void) {
    const unsigned dropped = 1u << CAP_NET_RAW | 1u << CAP_NET_ADMIN;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) != 0)
        return -1;
    sets[0].effective &= ~dropped;
    sets[0].permitted &= ~dropped;
    sets[0].inheritable &= ~dropped;
    return (int)syscall(SYS_capset, &header, sets);
}
