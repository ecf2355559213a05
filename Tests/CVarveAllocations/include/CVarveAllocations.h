// What the calling thread allocates, and how long it has run: for campaigns that look for damage which
// makes a reader take too much of either.
//
//   malloc, mmap of no file ... ──> counted ──> glibc
//
// Linux with glibc only, and not under a sanitizer, which has an allocator of its own; elsewhere all is zero.
#ifndef CVARVE_ALLOCATIONS_H
#define CVARVE_ALLOCATIONS_H

#include <stdint.h>

/// Whether anything is counted here.
int varve_allocations_are_counted(void);

/// Whether a sanitizer's allocator keeps them from being counted.
int varve_allocations_are_a_sanitizers(void);

/// Counts the calling thread's memory from zero on.
void varve_allocations_begin(void);

/// The most bytes that the calling thread held at once since then, those asked for in vain included. What
/// other threads free of them counts as held.
int64_t varve_allocations_peak(void);

/// The clock of the processor time of the calling thread, by which others can read it too; -1 for none.
int32_t varve_thread_clock(void);

/// Its nanoseconds; 0 once the thread has ended.
uint64_t varve_thread_clock_nanoseconds(int32_t clock);

#endif
