#define _GNU_SOURCE
#include "clinux.h"

#include <sched.h>

#include <netinet/in.h>
#include <stddef.h>

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
