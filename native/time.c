/*
 * OpenSSL asks gettimeofday() when a flight is to be sent again. The linker sends that question here
 * (--wrap=gettimeofday), so that a wall clock set by hand delays nothing, and so that a deadline has come when the
 * caller says it has: a test owns the time.
 */
#include <sys/time.h>
#include <time.h>

#include "engine.h"

static _Thread_local int64_t skew_now_us;

void time_skew(int64_t skew_us) { skew_now_us = skew_us; }

int __wrap_gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  struct timespec monotonic;
  if (clock_gettime(CLOCK_MONOTONIC, &monotonic) != 0) return -1;
  int64_t us = (int64_t)monotonic.tv_sec * 1000000 + monotonic.tv_nsec / 1000 + skew_now_us;
  now->tv_sec = (time_t)(us / 1000000);
  now->tv_usec = (suseconds_t)(us % 1000000);
  return 0;
}
