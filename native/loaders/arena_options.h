// The memory of a copying loader, as its options ask for it, and what of that the kernel gave.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arena.h"

namespace weighbridge {

struct ArenaOptions {
  ArenaPages pages = ArenaPages::plain;
  bool prefault = false;
  std::optional<uint32_t> numa_node = {};
};

// Reads the options arena, prefault and numaNode. Throws Error code bad-option.
ArenaOptions arena_options(const Options& options);

// Why an arena for these whole files cannot be had. A part's tensors are a little less than its file, so a pool that is
// a few pages short of the files is called too small. Codes huge-pages-unsupported, numa-unsupported, not-permitted and
// populate-unsupported.
std::optional<Reason> arena_unsupported(std::span<const Part> parts, const ArenaOptions& options);

// Untouched memory for the ranges. Throws Error with the reason of arena_unsupported(), and what Arena throws.
Arena make_arena(std::span<const Part> parts, std::span<const TensorRange> ranges, uint64_t unit,
                 const ArenaOptions& options);

// Adds what the kernel says about the arena, in which `filled` bytes were written, and warns where that is less than
// was asked for. Takes milliseconds: after the measurement.
void read_back(const Arena& arena, const ArenaOptions& options, uint64_t filled, Effective& effective,
               std::vector<std::string>& warnings);

}  // namespace weighbridge
