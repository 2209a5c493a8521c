// Threads that begin a measured piece of work at the same moment.
#pragma once

#include <cstdint>
#include <functional>

namespace weighbridge {

// What each thread does: `prepare` unmeasured, then, once all of them have, `work`. Neither may throw.
struct SharedWork {
  std::function<void(uint32_t thread)> prepare = [](uint32_t) {};
  std::function<void()> before_start = [] {};  // on the caller, after every prepare and outside the interval
  std::function<void(uint32_t thread)> work;
};

// Nanoseconds from the common start until the last thread has done its work; starting and ending threads lies outside.
// Throws Error code out-of-memory where a thread cannot start.
uint64_t timed_together(uint32_t threads, const SharedWork& shared);

// The `thread`-th of `threads` equal shares of [0, total), cut at multiples of `unit`: the last ones are shorter, or
// empty, where it does not come out even.
struct Share {
  uint64_t begin;
  uint64_t end;
};
Share share_of(uint64_t total, uint32_t thread, uint32_t threads, uint64_t unit);

}  // namespace weighbridge
