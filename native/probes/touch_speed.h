// What the first touch of anonymous memory costs, and the second.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "region.h"

namespace weighbridge {

struct TouchCase {
  PageKind pages;
  uint32_t threads;
};

struct TouchSpeed {
  uint64_t bytes;
  uint64_t first_ns;   // the kernel finds, clears and maps each page; in a virtual machine the host may have to as well
  uint64_t second_ns;  // the same walk again: what is left without any fault
};

// For each case a region of its own of `bytes`, of which one byte in each 4 KiB is written, by threads that share it
// evenly. All regions are held until the last was touched, so that no case gets what another gave back. Nothing where
// 2 MiB pages were asked for and not had. Throws Error: bad-option for no threads, out-of-memory.
std::vector<std::optional<TouchSpeed>> touch_speeds(uint64_t bytes, std::span<const TouchCase> cases);

}  // namespace weighbridge
