#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Changes bytes in some way that libFuzzer knows, to at most `limit` bytes; returns how many there are.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t limit);

/// From now on every CRC-32C is zero, whatever it is of.
void fuzzer_leave_out_checksums(void);

#endif
