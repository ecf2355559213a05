#define _GNU_SOURCE
#include "VarveThread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

_Thread_local int32_t varve_thread_may_not_wait;
_Thread_local int32_t varve_thread_slot_plus_one = 0;

// One bit for each slot; set while a living thread has it.
static _Atomic uint64_t taken[VARVE_THREAD_SLOTS / 64];
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static int exit_key_error;

// Runs in the exiting thread. Release: its last stores come before the next owner's first loads.
static void give_back(void *slot_plus_one) {
  uint32_t slot = (uint32_t)((uintptr_t)slot_plus_one - 1);
  varve_thread_slot_plus_one = 0;
  atomic_fetch_and_explicit(
      &taken[slot / 64], ~(UINT64_C(1) << (slot % 64)), memory_order_release);
}

static void make_exit_key(void) { exit_key_error = pthread_key_create(&exit_key, give_back); }

// The lowest free bit of one word, claimed; -1 where there is none.
static int32_t take_from(uint32_t word) {
  uint64_t bits = atomic_load_explicit(&taken[word], memory_order_relaxed);
  while (~bits != 0) {
    uint32_t bit = (uint32_t)__builtin_ctzll(~bits);
    if (atomic_compare_exchange_weak_explicit(
            &taken[word], &bits, bits | UINT64_C(1) << bit, memory_order_acquire,
            memory_order_relaxed))
      return (int32_t)(word * 64 + bit);
  }
  return -1;
}

int32_t varve_thread_slot_take(void) {
  pthread_once(&exit_key_once, make_exit_key);
  // Without a key the slot could not be given back at exit: do without slots.
  if (exit_key_error != 0) return -1;
  for (uint32_t word = 0; word < VARVE_THREAD_SLOTS / 64; word++) {
    int32_t slot = take_from(word);
    if (slot < 0) continue;
    void *mark = (void *)(uintptr_t)(slot + 1);
    if (pthread_setspecific(exit_key, mark) != 0) {
      give_back(mark);
      return -1;
    }
    varve_thread_slot_plus_one = slot + 1;
    return slot;
  }
  return -1;
}

#if defined(__linux__) && defined(__NR_membarrier)

// From linux/membarrier.h, which older systems do not install.
enum { private_expedited = 1 << 3, register_private_expedited = 1 << 4 };

int varve_membarrier_register(void) {
  return syscall(__NR_membarrier, register_private_expedited, 0, 0) == 0 ? 0 : errno;
}

int varve_membarrier(void) {
  return syscall(__NR_membarrier, private_expedited, 0, 0) == 0 ? 0 : errno;
}

#else

int varve_membarrier_register(void) { return ENOSYS; }
int varve_membarrier(void) { return ENOSYS; }

#endif
