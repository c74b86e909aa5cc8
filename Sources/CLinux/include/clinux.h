#pragma once

/* What Glibc's Swift module leaves out: whole headers, and calls behind _GNU_SOURCE. */

#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>

struct cl_mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};

int cl_recvmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags);
int cl_sendmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags);
int cl_accept4(int fd, int flags);
