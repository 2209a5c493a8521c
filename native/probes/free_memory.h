// The state of free memory: in a virtual machine free pages may have been given back to the host, and their first touch
// is then 3 to 36 times slower.
#pragma once

#include <cstdint>
#include <vector>

#include "../io.h"

namespace weighbridge {

// Touches `bytes` of anonymous memory in forked helper processes (`threads` of them at the same time, oom_score_adj
// 1000 where the system lets them, killed with their parent) that all hold their share before any exits, so that the
// same amount of free memory is backed when this returns. Throws Error: out-of-memory if a helper was killed or could
// not map, helper-died if it ended otherwise, process-limit if it could not be started.
void back_free_memory(uint64_t bytes, uint32_t threads);

// Anonymous memory of which one byte in each 4 KiB page was written; unmapped when destroyed. Asks for 2 MiB pages: a
// guest reports its free memory to the host in blocks of that size (page_reporting_order), while 4 KiB pages come from
// blocks that were already broken up, and so were never given back. Measured in one virtual machine: 13 GB/s backed and
// 0.6 returned by 2 MiB pages, 1.4 GB/s in either state by 4 KiB pages. Throws Error out-of-memory.
class TouchedRegion {
 public:
  explicit TouchedRegion(uint64_t bytes);
  TouchedRegion(TouchedRegion&& other) noexcept;
  TouchedRegion& operator=(TouchedRegion&&) = delete;
  ~TouchedRegion();
  // Nanoseconds of the touching.
  uint64_t took_ns() const noexcept { return took_ns_; }

 private:
  void* memory_ = nullptr;
  uint64_t length_ = 0;
  uint64_t took_ns_ = 0;
};

// Nanoseconds of touching `bytes`, which are unmapped again.
uint64_t first_touch_ns(uint64_t bytes);

struct AbsorbedMemory {
  std::vector<TouchedRegion> regions;  // held until destroyed
  bool found;                          // the last three chunks were slow: what comes next was given back to the host
};

// Takes free memory in chunks until three in a row take longer than `slow_ns` to touch, or `most_bytes` are taken. The
// kernel hands out first what was freed last, and leaves some of it unreported (hundreds of MiB were seen): only with
// that out of the way does a program meet memory that was given back.
AbsorbedMemory absorb_backed_memory(uint64_t chunk_bytes, uint64_t slow_ns, uint64_t most_bytes);

}  // namespace weighbridge
