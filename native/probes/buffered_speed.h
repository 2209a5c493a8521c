// How fast read(2) brings a piece of files into memory through the page cache.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "../loaders/part_file.h"

namespace weighbridge {

struct BufferedSpeed {
  uint64_t bytes;
  uint64_t ns;
  std::optional<uint64_t> read_bytes;  // issued to storage meanwhile (/proc/self/io): 0 where all came from the cache
};

// One thread, pread(2) in calls of 1 MiB, always into the same hot buffer. Cold or warm is what the cache is.
// Throws Error: short-read, io-error, file-changed.
BufferedSpeed buffered_speed(std::span<const Part> parts, std::span<const Extent> extents);

// The same calls, each to its own place in memory that was touched beforehand (in 2 MiB pages where they are had), by
// `threads` threads that share the extents evenly: what copying out of the page cache costs a loader apart from first touch.
BufferedSpeed copy_speed(std::span<const Part> parts, std::span<const Extent> extents, uint32_t threads);

}  // namespace weighbridge
