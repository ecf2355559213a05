// What a thread does while it waits a moment for another, and how it asks for memory ahead of use.
#ifndef CVARVE_SPIN_H
#define CVARVE_SPIN_H

#include <sched.h>

/// Tells the processor that this thread spins: a few dozen cycles.
static inline void varve_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/// Lets another thread run on this processor.
static inline void varve_yield(void) { sched_yield(); }

/// Begins to bring the cache line at `address` near. Never faults.
static inline void varve_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
