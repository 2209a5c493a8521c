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
  // Issued to storage by this process in the measured interval (/proc/self/io); nothing if unreadable. What shows that
  // the device was read, or that memory alone was.
  std::optional<uint64_t> read_bytes;
};

// Why there is no device ceiling here (tmpfs has no O_DIRECT), or nothing.
std::optional<Reason> device_ceiling_unsupported(std::span<const Part> parts);

// Reads the byte ranges [first tensor byte, last tensor byte] of each part with O_DIRECT into `depth` hot, pre-touched
// buffers of block_bytes in 2 MiB pages (MADV_HUGEPAGE), at most 16 MiB in all, and forgets them. Buffers are touched
// before the clock starts. Throws Error where the recipe's engine is not to be had: it never takes the other one.
CeilingResult device_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges,
                             const DeviceRecipe& recipe);

// The same direct reads, in order, into anonymous memory of that size which nobody touched before, in 2 MiB pages
// (MADV_HUGEPAGE; huge_pages tells whether they were had), as a loader must fill it: no thread touches ahead of the reads.
// What it takes beyond device_ceiling() is the price of memory. The caller knows that the memory is there to be had.
CeilingResult home_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges,
                           const DeviceRecipe& recipe);

// Taken where no candidate can be told apart: 1 MiB × 8, which suits most devices.
constexpr uint64_t fallback_block_bytes = 1 << 20;
constexpr uint32_t fallback_depth = 8;

// The best of {256K×32, 512K×32, 1M×8, 4M×4} (4M×8 would take buffers of 32 MiB): three rounds in rotated order, the best rate of each candidate counts. A
// reading covers `bytes_each` bytes, or 4 × depth × block where that is more, since a shorter one shows how a queue
// fills and empties. Readings follow one another through the model, so that none profits from what another left in a
// host's cache before all of the model was read. A candidate that needs more than a quarter of the model is left out;
// where none remains the fallback is returned unmeasured.
DeviceRecipe choose_device_recipe(std::span<const Part> parts, std::span<const TensorRange> ranges,
                                  uint64_t bytes_each);

// Maps the parts shared, populates, sums every byte from the first to the last tensor of each part once unmeasured,
// then again, measured: `threads` threads, each over an equal share of all parts, from their common start until the
// last of them has summed its share.
CeilingResult memory_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges, uint32_t threads);

}  // namespace weighbridge
