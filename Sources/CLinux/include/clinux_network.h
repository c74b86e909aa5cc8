#pragma once

/* What Glibc's Swift module leaves out of the kernel's own network interfaces. */

#include <linux/if_packet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/timex.h>

/* linux/if_ether.h */
enum { CL_ETHERTYPE_IPV4 = 0x0800, CL_ETHERTYPE_IPV6 = 0x86DD };
/* Macros with casts or of other headers. */
enum { CL_PACKET_LEVEL = 263, CL_NETLINK_FAMILY = 16, CL_PACKET_FAMILY = 17 };
/* linux/if_bridge.h, which brings another struct in6_addr. */
enum { CL_BRIDGE_QUERIER_IPV4 = 1, CL_BRIDGE_QUERIER_IPV6 = 5 };
