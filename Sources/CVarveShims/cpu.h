// Which instructions this processor has. Asked once, before main.
#ifndef VARVE_CPU_H
#define VARVE_CPU_H

#include <stdbool.h>

#if defined(__x86_64__)
#define VARVE_X86 1
#include <cpuid.h>
#elif defined(__aarch64__)
#define VARVE_ARM 1
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif

/// Runs before other constructors, so that they may already use what it chooses.
#define VARVE_BEFORE_MAIN __attribute__((constructor(101)))

#if VARVE_X86

/// SSE4.2 (the CRC-32C instruction) and PCLMULQDQ (multiplication without carries).
static inline bool cpu_has_crc32c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) && (c & bit_PCLMUL);
}

/// The SHA instructions, with SSSE3 and SSE4.1 for the byte order of the message.
static inline bool cpu_has_sha256(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

#elif VARVE_ARM && defined(__linux__)

// Bits of AT_HWCAP on arm64 Linux; part of the kernel's interface.
static inline bool cpu_has_crc32c(void) {
  unsigned long wanted = 1ul << 7 | 1ul << 4;  // CRC32 and PMULL
  return (getauxval(AT_HWCAP) & wanted) == wanted;
}

static inline bool cpu_has_sha256(void) { return (getauxval(AT_HWCAP) & 1ul << 6) != 0; }

#elif VARVE_ARM && defined(__APPLE__)

// Every Apple processor that runs a 64-bit desktop system has them all.
static inline bool cpu_has_crc32c(void) { return true; }
static inline bool cpu_has_sha256(void) { return true; }

#else

static inline bool cpu_has_crc32c(void) { return false; }
static inline bool cpu_has_sha256(void) { return false; }

#endif

#endif
