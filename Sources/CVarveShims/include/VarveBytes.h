// Searches that compilers of Swift do not make as they should be: sixteen bytes in one step, by the vector
// instructions that every processor of a kind has, and bisections without branches, whose guesses would
// be wrong half of the time.
#ifndef VARVE_BYTES_H
#define VARVE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/// Which of the 16 bytes at `bytes` equal `byte`: bit i for byte i.
static inline uint32_t varve_equal_bytes_portable(const void *bytes, uint8_t byte) {
  uint32_t found = 0;
  for (int i = 0; i < 16; i++) found |= (uint32_t)(((const uint8_t *)bytes)[i] == byte) << i;
  return found;
}

/// The same in a few instructions.
static inline uint32_t varve_equal_bytes(const void *bytes, uint8_t byte) {
#if defined(__SSE2__)
  __m128i those = _mm_loadu_si128((const __m128i *)bytes);
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(those, _mm_set1_epi8((char)byte)));
#elif defined(__aarch64__)
  // One bit for each byte that is equal; no two of a half share one, so that its sum is all of them.
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t equal = vceqq_u8(vld1q_u8((const uint8_t *)bytes), vdupq_n_u8(byte));
  uint8x16_t sums = vandq_u8(equal, vld1q_u8(bits));
  return vaddv_u8(vget_low_u8(sums)) | (uint32_t)vaddv_u8(vget_high_u8(sums)) << 8;
#else
  return varve_equal_bytes_portable(bytes, byte);
#endif
}

static inline uint32_t varve_little_32(const void *bytes) {
  uint32_t number;
  memcpy(&number, bytes, sizeof number);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  number = __builtin_bswap32(number);
#endif
  return number;
}

static inline uint64_t varve_little_64(const void *bytes) {
  uint64_t number;
  memcpy(&number, bytes, sizeof number);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  number = __builtin_bswap64(number);
#endif
  return number;
}

/// How many of the `count` ascending little-endian numbers at `numbers` are below `target`. As many steps
/// whatever is found.
static inline size_t varve_count_below_32(const void *numbers, size_t count, uint32_t target) {
  const uint8_t *start = numbers;
  size_t low = 0;
  for (; count > 1; count -= count / 2) {
    int is_below = varve_little_32(start + 4 * (low + count / 2 - 1)) < target;
    low = __builtin_unpredictable(is_below) ? low + count / 2 : low;
  }
  return count == 0 ? 0 : low + (varve_little_32(start + 4 * low) < target);
}

/// The same for numbers of 64 bits.
static inline size_t varve_count_below_64(const void *numbers, size_t count, uint64_t target) {
  const uint8_t *start = numbers;
  size_t low = 0;
  for (; count > 1; count -= count / 2) {
    int is_below = varve_little_64(start + 8 * (low + count / 2 - 1)) < target;
    low = __builtin_unpredictable(is_below) ? low + count / 2 : low;
  }
  return count == 0 ? 0 : low + (varve_little_64(start + 8 * low) < target);
}

#endif
