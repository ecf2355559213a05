#define _GNU_SOURCE
#include "VarvePosix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif
#include <time.h>
#include <unistd.h>

// MARK: - Files

#ifdef __APPLE__

// fsync leaves the bytes in the drive's cache there; only F_FULLFSYNC empties it.
static int full_sync(int descriptor) {
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
  if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) return -1;
  return fsync(descriptor);
}

int varve_sync_data(int descriptor) { return full_sync(descriptor); }
int varve_sync_all(int descriptor) { return full_sync(descriptor); }

int varve_allocate(int descriptor, int64_t size, int keep_size) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return -1;
  if (size > status.st_size) {
    fstore_t store = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, size - status.st_size, 0};
    if (fcntl(descriptor, F_PREALLOCATE, &store) != 0) return -1;
    if (!keep_size) return ftruncate(descriptor, size);
  }
  return 0;
}

void varve_start_writing(int descriptor, int64_t offset, int64_t count) {
  (void)descriptor, (void)offset, (void)count;
}

int varve_drop_cache(int descriptor) {
  (void)descriptor;
  return 0;
}

#else

int varve_sync_data(int descriptor) { return fdatasync(descriptor); }
int varve_sync_all(int descriptor) { return fsync(descriptor); }

int varve_allocate(int descriptor, int64_t size, int keep_size) {
  // Not posix_fallocate: where the file system cannot, the C library writes every block instead.
  return fallocate(descriptor, keep_size ? FALLOC_FL_KEEP_SIZE : 0, 0, size);
}

void varve_start_writing(int descriptor, int64_t offset, int64_t count) {
  // Only this flag: those that wait would take the error that belongs to the sync.
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
}

int varve_drop_cache(int descriptor) {
  int number = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  if (number == 0) return 0;
  errno = number;
  return -1;
}

#endif

// MARK: - Holes

int64_t varve_data_end(int descriptor, int64_t size) {
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
  // Each part takes two calls; somebody else may have made the file of nothing but parts.
  enum { most = 64 };
  off_t end = 0;
  for (int part = 0; part < most; part++) {
    off_t start = lseek(descriptor, end, SEEK_DATA);
    // No data behind `end`, which is the only way to be sure.
    if (start < 0) return errno == ENXIO ? end : size;
    end = lseek(descriptor, start, SEEK_HOLE);
    if (end <= start) return size;
    if (end >= size) return size;
  }
#else
  (void)descriptor;
#endif
  return size;
}

// MARK: - Reading through a mapping

void varve_advise_scattered(const void *start, size_t count) {
  madvise((void *)start, count, MADV_RANDOM);
}

void varve_advise_soon(const void *start, size_t count) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = (uintptr_t)start & ~(page - 1);
  madvise((void *)first, (uintptr_t)start + count - first, MADV_WILLNEED);
}

// MARK: - Storing through a mapping

int64_t varve_write_zeros(int descriptor, int64_t offset, size_t count) {
  static const char zeros[64 << 10];
  enum { most = 64 };
  struct iovec parts[most];
  int filled = 0;
  for (size_t left = count; left > 0 && filled < most; filled++) {
    size_t length = left < sizeof zeros ? left : sizeof zeros;
    parts[filled].iov_base = (void *)zeros;
    parts[filled].iov_len = length;
    left -= length;
  }
  return pwritev(descriptor, parts, filled, offset);
}

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23
#endif

#ifdef __linux__

int varve_can_store_through_mapping(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) == 0 && status.f_type == EXT4_SUPER_MAGIC;
}

int varve_populate_for_writing(void *start, size_t count) {
  return madvise(start, count, MADV_POPULATE_WRITE);
}

void varve_advise_stored_mapping(void *start, size_t count) {
  madvise(start, count, MADV_RANDOM);
  madvise(start, count, MADV_DONTFORK);
}

void varve_advise_large_pages(void *start, size_t count) { madvise(start, count, MADV_HUGEPAGE); }

#else

void varve_advise_large_pages(void *start, size_t count) { (void)start, (void)count; }

int varve_can_store_through_mapping(int descriptor) {
  (void)descriptor;
  return 0;
}

int varve_populate_for_writing(void *start, size_t count) {
  (void)start, (void)count;
  errno = EINVAL;
  return -1;
}

void varve_advise_stored_mapping(void *start, size_t count) { (void)start, (void)count; }

#endif

// MARK: - Time and waiting

uint64_t varve_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct timespec timespec_of(uint64_t nanoseconds) {
  struct timespec time = {
      (time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  return time;
}

#ifdef __APPLE__

int varve_condition_init(pthread_cond_t *condition) { return pthread_cond_init(condition, NULL); }

int varve_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline) {
  uint64_t now = varve_monotonic_nanoseconds();
  struct timespec rest = timespec_of(deadline > now ? deadline - now : 0);
  return pthread_cond_timedwait_relative_np(condition, mutex, &rest);
}

#else

int varve_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  int number = pthread_condattr_init(&attributes);
  if (number != 0) return number;
  number = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  if (number == 0) number = pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
  return number;
}

int varve_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline) {
  struct timespec time = timespec_of(deadline);
  return pthread_cond_timedwait(condition, mutex, &time);
}

#endif

// MARK: - Threads

// A library's threads must not run the handlers of the program around it. Faults stay open, so
// that crash reporters still see them, and so does the profiler's clock.
static sigset_t signals_to_block(void) {
  static const int open[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGPROF};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) sigdelset(&set, open[i]);
  return set;
}

int varve_thread_start(
    varve_thread *thread, size_t stack_bytes, void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  int number = pthread_attr_init(&attributes);
  if (number != 0) return number;
  number = pthread_attr_setstacksize(&attributes, stack_bytes);
  if (number == 0) {
    sigset_t blocked = signals_to_block(), before;
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    number = pthread_create(&thread->handle, &attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return number;
}

int varve_thread_join(varve_thread thread) { return pthread_join(thread.handle, NULL); }

void varve_thread_detach(varve_thread thread) { pthread_detach(thread.handle); }

int varve_thread_is_current(varve_thread thread) {
  return pthread_equal(thread.handle, pthread_self());
}

void varve_thread_name(const char *name) {
  char kept[16];
  snprintf(kept, sizeof kept, "%s", name);
#ifdef __APPLE__
  pthread_setname_np(kept);
#else
  pthread_setname_np(pthread_self(), kept);
#endif
}

void varve_thread_yield(void) {
#ifdef __APPLE__
  pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
#elif defined(__linux__)
  // Here, and against the standard, the number belongs to the thread. About a third of a share.
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);
#endif
}

// MARK: - Randomness

int varve_random(void *bytes, size_t count) {
  // getentropy never returns part of what was asked, up to 256 bytes a call.
  unsigned char *next = bytes;
  while (count > 0) {
    size_t piece = count < 256 ? count : 256;
    if (getentropy(next, piece) != 0) return -1;
    next += piece;
    count -= piece;
  }
  return 0;
}
