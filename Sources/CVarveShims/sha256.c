// SHA-256 (FIPS 180-4): the digest of whole files. Portable, and with the processor's SHA
// instructions where it has them.
//
// A context holds the eight words of the state, the count of bytes so far and the unfinished
// 64-byte block. Whole blocks are taken straight from the caller's memory.

#include "VarveChecksums.h"
#include "cpu.h"

#include <string.h>

#if VARVE_X86
#include <immintrin.h>
#elif VARVE_ARM
#include <arm_neon.h>
#endif

/// The first 32 bits of the fractions of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// MARK: - Portable

static inline uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static inline uint32_t load_big(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/// The 64 words of a block's message schedule (6.2.2, step 1).
static void expand(uint32_t w[64], const uint8_t *block) {
  for (int t = 0; t < 16; t++) w[t] = load_big(block + 4 * t);
  for (int t = 16; t < 64; t++) {
    uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
    uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
}

static void blocks_portable(uint32_t state[8], const uint8_t *p, size_t blocks) {
  for (; blocks > 0; p += 64, blocks--) {
    uint32_t w[64];
    expand(w, p);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
      uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + constants[t] + w[t];
      uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

// MARK: - With instructions

#if VARVE_X86
#define WITH_INSTRUCTIONS __attribute__((target("sha,ssse3,sse4.1")))

/// The instruction does two rounds. It wants the state as two vectors, highest word first:
/// (a, b, e, f) and (c, d, g, h); what it returns is the next (a, b, e, f), and the (a, b, e, f)
/// of before is the next (c, d, g, h). So the two swap roles at each use.
WITH_INSTRUCTIONS static void blocks_accelerated(uint32_t s[8], const uint8_t *p, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
  __m128i cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
  for (; blocks > 0; p += 64, blocks--) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
#pragma clang loop unroll(full)
    for (int four = 0; four < 16; four++) {
      __m128i *now = &w[four & 3];
      if (four < 4) {
        *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + four), big_endian);
      } else {
        __m128i last = w[(four + 3) & 3];
        __m128i seven_back = _mm_alignr_epi8(last, w[(four + 2) & 3], 4);
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(four + 1) & 3]), seven_back);
        *now = _mm_sha256msg2_epu32(sum, last);
      }
      __m128i words = _mm_add_epi32(*now, _mm_load_si128((const __m128i *)constants + four));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  s[0] = (uint32_t)_mm_extract_epi32(abef, 3), s[1] = (uint32_t)_mm_extract_epi32(abef, 2);
  s[2] = (uint32_t)_mm_extract_epi32(cdgh, 3), s[3] = (uint32_t)_mm_extract_epi32(cdgh, 2);
  s[4] = (uint32_t)_mm_extract_epi32(abef, 1), s[5] = (uint32_t)_mm_extract_epi32(abef, 0);
  s[6] = (uint32_t)_mm_extract_epi32(cdgh, 1), s[7] = (uint32_t)_mm_extract_epi32(cdgh, 0);
}
#elif VARVE_ARM
#define WITH_INSTRUCTIONS __attribute__((target("sha2")))

/// Each pair of instructions does four rounds on (a, b, c, d) and (e, f, g, h).
WITH_INSTRUCTIONS static void blocks_accelerated(uint32_t s[8], const uint8_t *p, size_t blocks) {
  uint32x4_t abcd = vld1q_u32(s), efgh = vld1q_u32(s + 4);
  for (; blocks > 0; p += 64, blocks--) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t w[4];
#pragma clang loop unroll(full)
    for (int four = 0; four < 16; four++) {
      uint32x4_t *now = &w[four & 3];
      if (four < 4) {
        *now = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16 * four)));
      } else {
        uint32x4_t sum = vsha256su0q_u32(*now, w[(four + 1) & 3]);
        *now = vsha256su1q_u32(sum, w[(four + 2) & 3], w[(four + 3) & 3]);
      }
      uint32x4_t words = vaddq_u32(*now, vld1q_u32(constants + 4 * four));
      uint32x4_t abcd_old = abcd;
      abcd = vsha256hq_u32(abcd, efgh, words);
      efgh = vsha256h2q_u32(efgh, abcd_old, words);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(s, abcd);
  vst1q_u32(s + 4, efgh);
}
#endif

// MARK: - Choosing

/// Written by the constructor alone.
static void (*chosen)(uint32_t[8], const uint8_t *, size_t) = blocks_portable;

VARVE_BEFORE_MAIN static void choose_sha256(void) {
#if defined(WITH_INSTRUCTIONS)
  if (cpu_has_sha256()) chosen = blocks_accelerated;
#endif
}

int varve_sha256_is_accelerated(void) { return chosen != blocks_portable; }

// MARK: - The running digest

/// The first 32 bits of the fractions of the square roots of the first 8 primes (5.3.3).
static const uint32_t first_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

void varve_sha256_start(varve_sha256 *context) {
  memset(context, 0, sizeof *context);
  memcpy(context->state, first_state, sizeof first_state);
}

void varve_sha256_start_portable(varve_sha256 *context) {
  varve_sha256_start(context);
  context->portable = 1;
}

static void take(varve_sha256 *context, const uint8_t *p, size_t blocks) {
  (context->portable ? blocks_portable : chosen)(context->state, p, blocks);
}

void varve_sha256_append(varve_sha256 *context, const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  size_t held = context->count % 64;
  context->count += count;
  if (held > 0) {
    size_t room = 64 - held;
    size_t part = count < room ? count : room;
    if (part > 0) memcpy(context->pending + held, p, part);
    if (part < room) return;
    take(context, context->pending, 1);
    p += part;
    count -= part;
  }
  if (count >= 64) take(context, p, count / 64);
  if (count % 64 > 0) memcpy(context->pending, p + count / 64 * 64, count % 64);
}

/// Padding (5.1.1): one bit, zeros to 8 bytes before a block's end, the count of bits.
void varve_sha256_finish(varve_sha256 *context, uint8_t *digest) {
  static const uint8_t padding[64] = {0x80};
  uint64_t bits = context->count * 8;
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
  varve_sha256_append(context, padding, 1 + (119 - context->count % 64) % 64);
  varve_sha256_append(context, length, 8);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(context->state[i / 4] >> (24 - 8 * (i % 4)));
}
