// A small number for the calling thread, and the barrier that reaches all threads of the process.
//
//   slot:  0 1 2 ... 511     one for each living thread that ever asked, reused after it exits
//
// Readers of the memtable announce themselves in an array indexed by slot: a store of their own
// instead of a counter that all threads fight over.
#ifndef CVARVE_THREAD_H
#define CVARVE_THREAD_H

#include <stdint.h>

/// How many threads can have a slot at once.
#define VARVE_THREAD_SLOTS 512

/// The calling thread's slot plus one; zero before it has one. Read through `varve_thread_slot`.
extern _Thread_local int32_t varve_thread_slot_plus_one;

/// Takes a free slot for the calling thread, or returns -1 when all are taken.
int32_t varve_thread_slot_take(void);

/// The calling thread's slot, 0..<512, taken on first use and given back when the thread exits.
/// -1 when all are taken by living threads: the caller must then do without.
static inline int32_t varve_thread_slot(void) {
  int32_t slot = varve_thread_slot_plus_one - 1;
  return slot >= 0 ? slot : varve_thread_slot_take();
}

/// Whether the calling thread may not wait for other machines: it belongs to somebody who must go on.
extern _Thread_local int32_t varve_thread_may_not_wait;

static inline int32_t varve_thread_waits_not(void) { return varve_thread_may_not_wait; }

/// Sets it; returns what it was.
static inline int32_t varve_thread_set_may_not_wait(int32_t value) {
  int32_t before = varve_thread_may_not_wait;
  varve_thread_may_not_wait = value;
  return before;
}

/// Asks once for `varve_membarrier`. Zero, or the error number where the system has none; then
/// every reader must order its own announcement with a sequentially consistent store.
int varve_membarrier_register(void);

/// When it returns zero, every running thread of this process has passed a full memory barrier:
/// what a reader stored before it is seen, and what it reads after it is new. About 20 us.
int varve_membarrier(void);

#endif
