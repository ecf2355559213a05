// Checksums and hashes in portable C, and with the processor's own instructions where it has them.
//
// Which variant runs is decided once, before main, by a constructor: the choice is never written
// again, so threads need no synchronisation to read it. The portable variants are the reference
// that tests hold the fast ones to.
#ifndef VARVE_CHECKSUMS_H
#define VARVE_CHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `count` bytes, continuing from `crc`; start with 0.
uint32_t varve_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by tables, on any processor.
uint32_t varve_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// 1 where `varve_crc32c` uses the processor's instructions, 0 where it is the portable one.
int varve_crc32c_is_accelerated(void);

/// XXH64 with seed 0 of `count` bytes.
uint64_t varve_xxh64(const void *bytes, size_t count);

/// A running SHA-256 (FIPS 180-4). Plain data: copying it forks the computation.
typedef struct {
  uint32_t state[8];
  uint64_t count;
  uint8_t pending[64];
  int portable;
} varve_sha256;

void varve_sha256_start(varve_sha256 *context);

/// Starts a computation that stays on the portable code.
void varve_sha256_start_portable(varve_sha256 *context);

void varve_sha256_append(varve_sha256 *context, const void *bytes, size_t count);

/// Writes the 32 bytes of the digest. The context is used up.
void varve_sha256_finish(varve_sha256 *context, uint8_t *digest);

/// 1 where SHA-256 uses the processor's instructions, 0 where it is the portable one.
int varve_sha256_is_accelerated(void);

#endif
