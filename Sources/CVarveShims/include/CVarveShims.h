// The few C functions the engine needs: instructions and calls that Swift cannot reach.
#ifndef CVARVE_SHIMS_H
#define CVARVE_SHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "VarvePosix.h"
#include "VarveThread.h"

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `count` bytes, continuing from `crc`; start with 0.
uint32_t varve_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
