#define _GNU_SOURCE
#include "CVarveAllocations.h"

#include <pthread.h>
#include <time.h>

#if defined(__linux__)
int32_t varve_thread_clock(void) {
  clockid_t clock;
  return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock : -1;
}

uint64_t varve_thread_clock_nanoseconds(int32_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#else
int32_t varve_thread_clock(void) { return -1; }
uint64_t varve_thread_clock_nanoseconds(int32_t clock) { return 0 * (uint64_t)clock; }
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OTHER_ALLOCATOR 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_OTHER_ALLOCATOR)
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local int64_t held, peak;

static void add(size_t count) {
  held += (int64_t)count;
  if (held > peak) peak = held;
}

/// What was asked for in vain counts for a moment.
static void *taken(void *start, size_t count) {
  if (start != NULL) {
    add(malloc_usable_size(start));
  } else {
    add(count);
    held -= (int64_t)count;
  }
  return start;
}

void *malloc(size_t count) { return taken(__libc_malloc(count), count); }

void *calloc(size_t count, size_t each) {
  return taken(__libc_calloc(count, each), each != 0 && count > PTRDIFF_MAX / each ? 0 : count * each);
}

void *realloc(void *start, size_t count) {
  size_t before = start != NULL ? malloc_usable_size(start) : 0;
  void *moved = __libc_realloc(start, count);
  // In vain, the old one stays.
  if (moved != NULL || count == 0) held -= (int64_t)before;
  return taken(moved, count);
}

void *memalign(size_t alignment, size_t count) {
  return taken(__libc_memalign(alignment, count), count);
}

void *aligned_alloc(size_t alignment, size_t count) { return memalign(alignment, count); }

int posix_memalign(void **result, size_t alignment, size_t count) {
  void *start = memalign(alignment, count);
  if (start == NULL) return ENOMEM;
  *result = start;
  return 0;
}

void free(void *start) {
  if (start != NULL) held -= (int64_t)malloc_usable_size(start);
  __libc_free(start);
}

void *mmap(void *place, size_t count, int protection, int flags, int descriptor, off_t offset) {
  void *start =
      (void *)syscall(SYS_mmap, place, count, protection, flags, descriptor, offset);
  if ((flags & MAP_ANONYMOUS) == 0) return start;
  add(count);
  // In vain: for a moment only.
  if (start == MAP_FAILED) held -= (int64_t)count;
  return start;
}

int munmap(void *start, size_t count) {
  int result = (int)syscall(SYS_munmap, start, count);
  // Of a file or not: mappings of files are rare where this is asked.
  if (result == 0) held -= (int64_t)count;
  return result;
}

int varve_allocations_are_counted(void) { return 1; }

void varve_allocations_begin(void) { held = peak = 0; }

int64_t varve_allocations_peak(void) { return peak; }
#else
int varve_allocations_are_counted(void) { return 0; }
void varve_allocations_begin(void) {}
int64_t varve_allocations_peak(void) { return 0; }
#endif

#if defined(HAS_OTHER_ALLOCATOR)
int varve_allocations_are_a_sanitizers(void) { return 1; }
#else
int varve_allocations_are_a_sanitizers(void) { return 0; }
#endif
