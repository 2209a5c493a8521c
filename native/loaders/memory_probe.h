// Asks whether free memory was given back to a host, by touching some of it.
#pragma once

#include <cstdint>
#include <stop_token>

namespace weighbridge {

struct MemoryProbe {
  uint64_t pages;       // of 2 MiB that were touched
  uint64_t slowest_ns;  // of one of them
  bool returned;        // two of them were slow
};

// Touches and holds huge pages until two were slow, at most `most_bytes` and at most 128 MiB, at least two pages. What
// was freed last is handed out first and is backed in either case: up to 24 such pages were seen before the first that
// had been given back. Ends early when asked to, or where memory is short.
MemoryProbe probe_free_memory(uint64_t most_bytes, const std::stop_token& stop);

}  // namespace weighbridge
