// How fast threads read and write memory that is there already.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weighbridge {

struct MemorySpeed {
  uint32_t threads;
  uint64_t bytes;
  uint64_t read_ns;   // summing every byte (byte_sum.h)
  uint64_t write_ns;  // memset(3), which writes past the caches where it is worth it
  bool huge_pages;    // whether all of it lay in 2 MiB pages, as asked: read back from the kernel
};

// Over one anonymous region of `bytes`, touched beforehand, for which 2 MiB pages are asked; the better of two passes
// each. A row for each number of threads, which share the region evenly. Only a region of several times the last-level
// cache tells of memory rather than of the cache. Throws Error: bad-option for no threads, out-of-memory.
std::vector<MemorySpeed> memory_speeds(uint64_t bytes, std::span<const uint32_t> threads);

}  // namespace weighbridge
