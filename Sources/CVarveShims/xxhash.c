// XXH64 with seed 0, from its published specification: the hash of keys in filters and key tags.
//
// Four lanes take 32 bytes a round; what is left over is mixed in word by word, and an avalanche
// spreads every bit over the whole result. Fast and well spread, but no defence against an
// adversary: never used as a checksum.

#include "VarveBytes.h"
#include "VarveChecksums.h"

static const uint64_t prime1 = 0x9E3779B185EBCA87u;
static const uint64_t prime2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t prime3 = 0x165667B19E3779F9u;
static const uint64_t prime4 = 0x85EBCA77C2B2AE63u;
static const uint64_t prime5 = 0x27D4EB2F165667C5u;

static inline uint64_t rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

static inline uint64_t mixed(uint64_t lane, uint64_t word) {
  return rotate(lane + word * prime2, 31) * prime1;
}

static inline uint64_t joined(uint64_t hash, uint64_t lane) {
  return (hash ^ mixed(0, lane)) * prime1 + prime4;
}

uint64_t varve_xxh64(const void *bytes, size_t count) {
  const uint8_t *p = bytes;
  size_t left = count;
  uint64_t hash = prime5;
  if (left >= 32) {
    uint64_t a = prime1 + prime2, b = prime2, c = 0, d = 0 - prime1;
    for (; left >= 32; p += 32, left -= 32) {
      a = mixed(a, varve_little_64(p));
      b = mixed(b, varve_little_64(p + 8));
      c = mixed(c, varve_little_64(p + 16));
      d = mixed(d, varve_little_64(p + 24));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    hash = joined(joined(joined(joined(hash, a), b), c), d);
  }
  hash += count;
  for (; left >= 8; p += 8, left -= 8) {
    hash = rotate(hash ^ mixed(0, varve_little_64(p)), 27) * prime1 + prime4;
  }
  if (left >= 4) {
    hash = rotate(hash ^ varve_little_32(p) * prime1, 23) * prime2 + prime3;
    p += 4;
    left -= 4;
  }
  for (; left > 0; p++, left--) hash = rotate(hash ^ *p * prime5, 11) * prime1;
  hash = (hash ^ hash >> 33) * prime2;
  hash = (hash ^ hash >> 29) * prime3;
  return hash ^ hash >> 32;
}
