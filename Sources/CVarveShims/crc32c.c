// CRC-32C: by tables anywhere, by the processor's instruction where it has one.
//
// The instruction takes 8 bytes and answers three cycles later, but a new one may start each
// cycle. So long inputs are cut into three lanes that run at the same time:
//
//      | lane A: n words | lane B: n words | lane C: n words |
//
// and are joined afterwards. A CRC is a polynomial over GF(2) modulo P; putting w words behind the
// bytes of a lane multiplies its CRC by x^(64 w). With a = CRC of A and so on:
//
//      crc(A B C) = a * x^(128 n)  +  b * x^(64 n)  +  c        (mod P)
//
// The products are carry-less multiplications of 32 by 32 bits. Bits are stored lowest power last
// ("reflected"), which makes the 64-bit product one power too small, and handing it to the CRC
// instruction reduces it modulo P and multiplies by x^32 besides. So the factor for w words is
// x^(64 w - 33): for one word x^31, the number 1 in reflected form, and each further word is one
// CRC step over a zero word.

#include "VarveBytes.h"
#include "VarveChecksums.h"
#include "cpu.h"

#if VARVE_X86
#include <immintrin.h>
#elif VARVE_ARM
#include <arm_acle.h>
#include <arm_neon.h>
#endif

// MARK: - Portable: eight tables, eight bytes a step

/// tables[k][b]: the CRC of byte b followed by k zero bytes.
static uint32_t tables[8][256];

static void fill_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    tables[0][byte] = crc;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = tables[zeros - 1][byte];
      tables[zeros][byte] = crc >> 8 ^ tables[0][crc & 0xff];
    }
  }
}

uint32_t varve_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  crc = ~crc;
  for (; count >= 8; p += 8, count -= 8) {
    uint64_t word = varve_little_64(p) ^ crc;
    crc = 0;
    for (int i = 0; i < 8; i++) crc ^= tables[7 - i][word >> 8 * i & 0xff];
  }
  for (; count > 0; p++, count--) crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
  return ~crc;
}

// MARK: - With instructions

/// Words in the longest lane. Three lanes of it fill 6 KiB, well inside the first cache.
enum { longest_lane = 256 };

/// Below this many bytes joining lanes costs more than it saves.
enum { shortest_in_lanes = 96 };

/// shifts[w]: the factor that appends w zero words.
static uint32_t shifts[2 * longest_lane + 1];

#if VARVE_X86
#define WITH_INSTRUCTIONS __attribute__((target("sse4.2,pclmul")))

WITH_INSTRUCTIONS static inline uint32_t step1(uint32_t crc, uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}

WITH_INSTRUCTIONS static inline uint32_t step4(uint32_t crc, uint32_t word) {
  return _mm_crc32_u32(crc, word);
}

WITH_INSTRUCTIONS static inline uint32_t step8(uint32_t crc, uint64_t word) {
  return (uint32_t)_mm_crc32_u64(crc, word);
}

WITH_INSTRUCTIONS static inline uint64_t multiply(uint32_t a, uint32_t b) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(a), _mm_cvtsi64_si128(b), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}
#elif VARVE_ARM
#define WITH_INSTRUCTIONS __attribute__((target("crc,aes")))

WITH_INSTRUCTIONS static inline uint32_t step1(uint32_t crc, uint8_t byte) {
  return __crc32cb(crc, byte);
}

WITH_INSTRUCTIONS static inline uint32_t step4(uint32_t crc, uint32_t word) {
  return __crc32cw(crc, word);
}

WITH_INSTRUCTIONS static inline uint32_t step8(uint32_t crc, uint64_t word) {
  return __crc32cd(crc, word);
}

WITH_INSTRUCTIONS static inline uint64_t multiply(uint32_t a, uint32_t b) {
  return (uint64_t)vmull_p64(a, b);
}
#endif

#if defined(WITH_INSTRUCTIONS)

WITH_INSTRUCTIONS static void fill_shifts(void) {
  shifts[1] = 1;
  for (int words = 2; words <= 2 * longest_lane; words++) {
    shifts[words] = step8(shifts[words - 1], 0);
  }
}

/// The CRC of three neighbouring lanes of `words` words each.
WITH_INSTRUCTIONS static inline uint32_t lanes(uint32_t a, const uint8_t *p, size_t words) {
  uint32_t b = 0, c = 0;
  const uint8_t *end = p + 8 * words;
  for (; p < end; p += 8) {
    a = step8(a, varve_little_64(p));
    b = step8(b, varve_little_64(p + 8 * words));
    c = step8(c, varve_little_64(p + 16 * words));
  }
  return step8(0, multiply(a, shifts[2 * words]) ^ multiply(b, shifts[words])) ^ c;
}

WITH_INSTRUCTIONS static uint32_t crc32c_accelerated(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  crc = ~crc;
  while (count >= shortest_in_lanes) {
    size_t words = count / 24 < longest_lane ? count / 24 : longest_lane;
    crc = lanes(crc, p, words);
    p += 24 * words;
    count -= 24 * words;
  }
  for (; count >= 8; p += 8, count -= 8) crc = step8(crc, varve_little_64(p));
  if (count >= 4) {
    crc = step4(crc, varve_little_32(p));
    p += 4;
    count -= 4;
  }
  for (; count > 0; p++, count--) crc = step1(crc, *p);
  return ~crc;
}

#endif

// MARK: - Choosing

/// Written by the constructor alone.
static uint32_t (*chosen)(uint32_t, const void *, size_t) = varve_crc32c_portable;

VARVE_BEFORE_MAIN static void choose_crc32c(void) {
  fill_tables();
#if defined(WITH_INSTRUCTIONS)
  if (cpu_has_crc32c()) {
    fill_shifts();
    chosen = crc32c_accelerated;
  }
#endif
}

uint32_t varve_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return chosen(crc, bytes, count);
}

int varve_crc32c_is_accelerated(void) { return chosen != varve_crc32c_portable; }
