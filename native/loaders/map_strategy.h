// The options of the mechanism mmap, as src/loader.ts documents them.
#pragma once

#include <sys/mman.h>

#include <optional>
#include <vector>

#include "bring.h"
#include "loader.h"
#include "memory_lock.h"

namespace weighbridge {

struct Advice {
  const char* name;
  int value;  // of madvise(2)
};

struct MapStrategy {
  bool shared = false;
  bool dirtied = false;
  bool populate = false;
  bool sequential_file = false;
  std::vector<Advice> advices;
  std::optional<BringPlan> bring;
  bool pipelined = false;
  std::optional<LockMode> lock;
  bool unmap_unused = false;

  // As mmap(2) has them.
  int protection() const noexcept { return PROT_READ | (dirtied ? PROT_WRITE : 0); }
  int flags() const noexcept { return (shared ? MAP_SHARED : MAP_PRIVATE) | (populate ? MAP_POPULATE : 0); }
  bool advises(int value) const noexcept {
    for (const Advice& advice : advices) {
      if (advice.value == value) return true;
    }
    return false;
  }
};

// Throws Error code bad-option, also for options that contradict each other.
MapStrategy map_strategy(const Options& options);

}  // namespace weighbridge
