#include "memory_probe.h"

#include <algorithm>
#include <vector>

#include "../probes/free_memory.h"
#include "arena.h"

namespace weighbridge {

namespace {

// First touch of one huge page: 0.2–0.7 ms where it is backed, 3–15 ms where the host must find it first.
constexpr uint64_t slow_page_ns = 1'500'000;
// One slow page may be an interruption.
constexpr uint32_t slow_pages_wanted = 2;
constexpr uint64_t most_pages = 64;

}  // namespace

MemoryProbe probe_free_memory(uint64_t most_bytes, const std::stop_token& stop) {
  const uint64_t most = std::clamp<uint64_t>(most_bytes / huge_page_unit, slow_pages_wanted, most_pages);
  std::vector<TouchedRegion> taken;
  MemoryProbe probe = {0, 0, false};
  uint32_t slow = 0;
  try {
    while (taken.size() < most && !probe.returned && !stop.stop_requested()) {
      const uint64_t took = taken.emplace_back(huge_page_unit).took_ns();
      probe.slowest_ns = std::max(probe.slowest_ns, took);
      slow += took > slow_page_ns ? 1 : 0;
      probe.returned = slow >= slow_pages_wanted;
    }
  } catch (const Error&) {
    // No memory to ask: what was learnt until here counts.
  }
  probe.pages = taken.size();
  return probe;
}

}  // namespace weighbridge
