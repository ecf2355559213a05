// Calls of the system that Swift cannot import or that differ between systems.
#ifndef CVARVE_POSIX_H
#define CVARVE_POSIX_H

#include <dirent.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/// Makes written bytes of a file and its size durable, drive cache included. 0 or -1 with errno.
int varve_sync_data(int descriptor);

/// Makes a directory's entries (or all of a file) durable, drive cache included.
int varve_sync_all(int descriptor);

/// Allocates the first `size` bytes; the file's size becomes at least `size` unless `keep_size`.
/// 0, or -1 with errno; EOPNOTSUPP where this file system cannot.
int varve_allocate(int descriptor, int64_t size, int keep_size);

/// Whether stores through a mapping of this file are as safe as writes to it: true on file systems
/// that never share a file's blocks nor allocate anew for a block that was written once.
int varve_can_store_through_mapping(int descriptor);

/// Writes up to `count` zeros at `offset` in one call, so that the system may keep them in large pages:
/// how many, or -1 with errno.
int64_t varve_write_zeros(int descriptor, int64_t offset, size_t count);

/// Makes pages of a mapping present and writable, so that stores to them meet no failure.
/// 0, or -1 with errno; EINVAL where this system cannot.
int varve_populate_for_writing(void *start, size_t count);

/// Advises that a mapping is filled from front to back by this process alone: nothing is read ahead,
/// and a child does not inherit it.
void varve_advise_stored_mapping(void *start, size_t count);

/// Advises that a mapped file is read here and there: nothing around what is touched.
void varve_advise_scattered(const void *start, size_t count);

/// Advises that a part of a mapped file is read soon: the system begins to read it now.
void varve_advise_soon(const void *start, size_t count);

/// Advises that memory is best held in large pages: it is used up whole, at random places.
void varve_advise_large_pages(void *start, size_t count);

/// The name of a directory entry, for as long as the entry is.
static inline const char *varve_entry_name(const struct dirent *entry) { return entry->d_name; }

/// Sends written pages of the file on their way to the device, without waiting for them. Advice: no
/// error is reported here and none is lost for the sync that follows.
void varve_start_writing(int descriptor, int64_t offset, int64_t count);

/// Advises that the file's clean cached pages will not be needed.
int varve_drop_cache(int descriptor);

/// Where the last part of the file ends that was ever written: behind it there are zeros, of which the
/// system knows without reading them. A file of `size` bytes and very many parts, or one of a file
/// system that does not know, has its `size` returned.
int64_t varve_data_end(int descriptor, int64_t size);

/// Makes a condition variable whose deadlines are on the monotonic clock. 0 or an error number.
int varve_condition_init(pthread_cond_t *condition);

/// Waits until woken (0) or until `deadline` nanoseconds of the monotonic clock (ETIMEDOUT).
int varve_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline);

/// The nanoseconds that deadlines are measured in.
uint64_t varve_monotonic_nanoseconds(void);

/// A thread, whatever the system makes of it: a number here, a pointer there.
typedef struct varve_thread {
  pthread_t handle;
} varve_thread;

/// Starts a thread that the process's signals, other than faults of its own, pass by.
/// 0 or an error number.
int varve_thread_start(
    varve_thread *thread, size_t stack_bytes, void *(*body)(void *), void *argument);

/// Waits for the thread's end. 0 or an error number.
int varve_thread_join(varve_thread thread);

/// Lets the thread run on by itself.
void varve_thread_detach(varve_thread thread);

/// Whether the calling thread is this one.
int varve_thread_is_current(varve_thread thread);

/// Names the calling thread for debuggers; at most 15 bytes are kept.
void varve_thread_name(const char *name);

/// Gives the calling thread, and those it starts, a smaller share of the processors than others.
void varve_thread_yield(void);

/// Fills `bytes` with random numbers from the system. 0 or -1 with errno.
int varve_random(void *bytes, size_t count);

#endif
