// The state of free memory: in a virtual machine free pages may have been given back to the host, and their first touch
// is then 3 to 36 times slower.
#pragma once

#include <cstdint>

#include "../io.h"

namespace weighbridge {

// Touches `bytes` of anonymous memory in forked helper processes (`threads` of them at the same time, oom_score_adj
// 1000 where the system lets them, killed with their parent) that all hold their share before any exits, so that the
// same amount of free memory is backed when this returns. Throws Error: out-of-memory if a helper was killed or could
// not map, helper-died if it ended otherwise, process-limit if it could not be started.
void back_free_memory(uint64_t bytes, uint32_t threads);

// Maps `bytes`, writes one byte into each 4 KiB page, unmaps; returns the nanoseconds of the touching. Asks for 2 MiB
// pages: a guest reports its free memory to the host in blocks of that size (page_reporting_order), while 4 KiB pages
// come from blocks that were already broken up, and so were never given back. Measured in one virtual machine: 13 GB/s
// backed and 0.6 returned by 2 MiB pages, 1.4 GB/s in either state by 4 KiB pages.
uint64_t first_touch_ns(uint64_t bytes);

}  // namespace weighbridge
