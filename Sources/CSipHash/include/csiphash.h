#pragma once

/* SipHash-2-4 with an output of 128 bits (Aumasson and Bernstein, 2012; the longer output is of
   their reference code), of eight messages at once: vectors of integers, which Swift cannot
   choose by the processor that it runs on. */

#include <stdint.h>

enum {
    CS_LANES = 8,
    /* Messages of 36 bytes: words as SipHash takes them in, the last with the length on top. */
    CS_WORDS = 5,
};

/* Word by word, the eight messages' side by side. */
struct cs_messages {
    uint64_t words[CS_WORDS][CS_LANES];
};

/* All in the order of the processor. */
struct cs_tags {
    uint64_t low[CS_LANES];
    uint64_t high[CS_LANES];
};

struct cs_keys {
    uint64_t low[CS_LANES];
    uint64_t high[CS_LANES];
};

/* Tags of messages under one key; `first` is set in the first word of each. */
void cs_tag_alike(
    const struct cs_messages *messages, uint64_t first, uint64_t key_low, uint64_t key_high,
    struct cs_tags *tags);

/* Tags of messages under a key each. */
void cs_tag_each(
    const struct cs_messages *messages, const struct cs_keys *keys, struct cs_tags *tags);
