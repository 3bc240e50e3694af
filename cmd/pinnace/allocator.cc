// How jemalloc, which allocates for the whole program, is to behave. It reads this before `main`.
//
// Why: a thread of its own, which sleeps while nothing is freed, gives back within seconds what a
//   burst has left behind; by default that happens only when somebody allocates.
#include <jemalloc/jemalloc.h>

const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";
