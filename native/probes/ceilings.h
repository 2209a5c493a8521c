// Physical limits, measured natively over the bytes that a loader must bring in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "../loaders/loader.h"

namespace weighbridge {

enum class DeviceEngine { io_uring, threads };

struct DeviceRecipe {
  DeviceEngine engine;    // io_uring where the kernel lets us, else `depth` threads with pread(2)
  uint64_t block_bytes;
  uint32_t depth;
};

struct CeilingResult {
  uint64_t bytes;          // read, alignment padding included
  uint64_t ns;
  bool huge_pages;         // buffers lay in 2 MiB pages, read back from the kernel
};

// Why there is no device ceiling here (tmpfs has no O_DIRECT), or nothing.
std::optional<Reason> device_ceiling_unsupported(std::span<const Part> parts);

// Reads the byte ranges [first tensor byte, last tensor byte] of each part with O_DIRECT into `depth` hot, pre-touched
// buffers of block_bytes in 2 MiB pages (MADV_HUGEPAGE), at most 16 MiB in all, and forgets them. Buffers are touched
// before the clock starts. Throws Error where the recipe's engine is not to be had: it never takes the other one.
CeilingResult device_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges,
                             const DeviceRecipe& recipe);

// The best of {256K×32, 512K×32, 1M×8, 4M×4} over at most `bytes_each` bytes each, spread over different places of the
// model so that no candidate profits from what another left in a host's cache.
DeviceRecipe choose_device_recipe(std::span<const Part> parts, std::span<const TensorRange> ranges,
                                  uint64_t bytes_each);

// Maps the parts shared, populates, sums every byte from the first to the last tensor of each part once unmeasured, then
// again with `threads` threads, measured.
CeilingResult memory_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges, uint32_t threads);

}  // namespace weighbridge
