#include "csiphash.h"

#include <string.h>

typedef uint64_t lanes __attribute__((vector_size(8 * CS_LANES)));

struct state {
    lanes v0, v1, v2, v3;
};

#define INLINE static inline __attribute__((always_inline))
#define ROTATED(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

INLINE void round_once(struct state *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = ROTATED(s->v1, 13) ^ s->v0;
    s->v3 = ROTATED(s->v3, 16) ^ s->v2;
    s->v0 = ROTATED(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = ROTATED(s->v1, 17) ^ s->v2;
    s->v3 = ROTATED(s->v3, 21) ^ s->v0;
    s->v2 = ROTATED(s->v2, 32);
}

INLINE void load(lanes *to, const uint64_t *from) { memcpy(to, from, sizeof *to); }

/* `s` holds the keys' lower and upper halves in v0 and v1. */
INLINE void tag(
    const struct cs_messages *messages, uint64_t first, struct state *s, struct cs_tags *tags) {
    s->v2 = s->v0 ^ 0x6c7967656e657261;
    s->v3 = s->v1 ^ 0x7465646279746573;
    s->v0 ^= 0x736f6d6570736575;
    s->v1 ^= 0x646f72616e646f6d ^ 0xee;
    for (int word = 0; word < CS_WORDS; word++) {
        lanes message;
        load(&message, messages->words[word]);
        if (word == 0) message |= first;
        s->v3 ^= message;
        round_once(s);
        round_once(s);
        s->v0 ^= message;
    }
    s->v2 ^= 0xee;
    for (int round = 0; round < 4; round++) round_once(s);
    lanes low = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    s->v1 ^= 0xdd;
    for (int round = 0; round < 4; round++) round_once(s);
    lanes high = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    memcpy(tags->low, &low, sizeof low);
    memcpy(tags->high, &high, sizeof high);
}

INLINE void tag_alike(
    const struct cs_messages *messages, uint64_t first, uint64_t low, uint64_t high,
    struct cs_tags *tags) {
    struct state s;
    s.v0 = (lanes){} + low;
    s.v1 = (lanes){} + high;
    tag(messages, first, &s, tags);
}

INLINE void tag_each(
    const struct cs_messages *messages, const struct cs_keys *keys, struct cs_tags *tags) {
    struct state s;
    load(&s.v0, keys->low);
    load(&s.v1, keys->high);
    tag(messages, 0, &s, tags);
}

/* The same for each kind of processor. */
#define KERNELS(name, attributes)                                                                  \
    attributes static void alike_##name(                                                           \
        const struct cs_messages *messages, uint64_t first, uint64_t low, uint64_t high,           \
        struct cs_tags *tags) {                                                                    \
        tag_alike(messages, first, low, high, tags);                                               \
    }                                                                                              \
    attributes static void each_##name(                                                            \
        const struct cs_messages *messages, const struct cs_keys *keys, struct cs_tags *tags) {    \
        tag_each(messages, keys, tags);                                                            \
    }

KERNELS(plain, )

#ifdef __x86_64__
KERNELS(avx2, __attribute__((target("avx2"))))
KERNELS(avx512, __attribute__((target("avx512vl,prefer-256-bit"))))

#define CHOOSE(function, ...)                                                                      \
    if (__builtin_cpu_supports("avx512vl"))                                                         \
        function##_avx512(__VA_ARGS__);                                                            \
    else if (__builtin_cpu_supports("avx2"))                                                       \
        function##_avx2(__VA_ARGS__);                                                              \
    else                                                                                           \
        function##_plain(__VA_ARGS__)
#else
#define CHOOSE(function, ...) function##_plain(__VA_ARGS__)
#endif

void cs_tag_alike(
    const struct cs_messages *messages, uint64_t first, uint64_t key_low, uint64_t key_high,
    struct cs_tags *tags) {
    CHOOSE(alike, messages, first, key_low, key_high, tags);
}

void cs_tag_each(
    const struct cs_messages *messages, const struct cs_keys *keys, struct cs_tags *tags) {
    CHOOSE(each, messages, keys, tags);
}
