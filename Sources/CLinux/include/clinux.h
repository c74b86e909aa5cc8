#pragma once

/* What Glibc's Swift module leaves out: whole headers, and calls behind _GNU_SOURCE. */

#include <malloc.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>

/* netinet/udp.h */
enum { CL_UDP_SEGMENT = 103, CL_UDP_GRO = 104 };

/* sys/timerfd.h */
enum { CL_TIMER_ABSOLUTE = TFD_TIMER_ABSTIME };

struct cl_mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};

int cl_recvmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags);
int cl_sendmmsg(int fd, struct cl_mmsghdr *messages, unsigned count, int flags);
int cl_accept4(int fd, int flags);
/* Keeps the calling thread on one processor; -1 and errno where that is not allowed. */
int cl_pin_thread(int processor);
/* Keeps it, and what threads it starts, away from one. */
int cl_keep_thread_off(int processor);
/* Names the calling thread for people; 15 characters at most. */
void cl_name_thread(const char *name);

/* Macros that Swift cannot import. */
static inline struct cmsghdr *cl_cmsg_first(struct msghdr *message) {
    return CMSG_FIRSTHDR(message);
}
static inline struct cmsghdr *cl_cmsg_next(struct msghdr *message, struct cmsghdr *header) {
    return CMSG_NXTHDR(message, header);
}
static inline void *cl_cmsg_data(struct cmsghdr *header) { return CMSG_DATA(header); }
static inline size_t cl_cmsg_space(size_t bytes) { return CMSG_SPACE(bytes); }
static inline size_t cl_cmsg_length(size_t bytes) { return CMSG_LEN(bytes); }

/* A number that one thread writes and others read. */
static inline unsigned long cl_load(const unsigned long *number) {
    return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}
static inline void cl_store(unsigned long *number, unsigned long value) {
    __atomic_store_n(number, value, __ATOMIC_RELEASE);
}

/* A word that two threads change in turn, and sleep on (futex(2)). */
uint32_t cl_load_word(const uint32_t *word);
/* Returns what was there before. */
uint32_t cl_exchange_word(uint32_t *word, uint32_t value);
/* Returns what was there before; replaced if that was `expected`. */
uint32_t cl_replace_word(uint32_t *word, uint32_t expected, uint32_t value);
/* Sleeps while `value` is there, unless woken; also for nothing now and then. */
void cl_sleep_on_word(const uint32_t *word, uint32_t value);
void cl_wake_on_word(const uint32_t *word);
void cl_wake_all_on_word(const uint32_t *word);
/* Returns what was there before. */
uint32_t cl_add_to_word(uint32_t *word, uint32_t value);
/* Looks at a word until it is another than `value`, at most so many times, each some 30 ns. */
void cl_spin_on_word(const uint32_t *word, uint32_t value, uint32_t looks);

/* Gives up CAP_NET_RAW and CAP_NET_ADMIN for good; zero, or -1 with errno. */
int cl_drop_network_capabilities(void);
