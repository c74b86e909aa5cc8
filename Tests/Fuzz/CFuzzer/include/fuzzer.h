#pragma once
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry for programs with a main of their own (compiler-rt, FuzzerDefs.h). */
int LLVMFuzzerRunDriver(int *argc, char ***argv,
                        int (*one)(const uint8_t *data, size_t size));
