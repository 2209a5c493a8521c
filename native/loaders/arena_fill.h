// The engine of all loaders that copy: fills an arena from the parts of a model, before load returns or behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "arena_options.h"
#include "part_reader.h"
#include "ring_fill.h"

namespace weighbridge {

struct FillOptions {
  ReadCall call = ReadCall::pread;
  uint64_t chunk_bytes = 1 << 20;        // of one call; with a ring, of one block
  uint32_t threads = 1;                  // that make the calls; a ring has one
  std::optional<RingOptions> ring = {};  // the calls go through io_uring; pread and direct only
  ArenaOptions arena = {};
  // load returns when reading has begun, and ready() waits for what has not come.
  bool pipelined = false;
};

// Why these parts cannot be loaded in that way, with the codes of read_call_unsupported(), ring_unsupported() and
// arena_unsupported().
std::optional<Reason> fill_unsupported(std::span<const Part> parts, const FillOptions& options);

// Opens the parts and brings the tensors that are named, and no others: some of a model or all. One that is pipelined,
// or has a ring, goes by the order given; else nobody waits for the order, and the files are read from front to back,
// which suits the kernel's read-ahead. A chunk is a whole number of pages and of the alignment of direct I/O, except
// with ReadCall::read. Throws Error: bad-option, the reason of fill_unsupported(), file-changed, malformed,
// out-of-memory; and what reading meets (short-read, io-error), which a pipelined load throws from ready().
std::unique_ptr<Weights> fill_arena(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                                    const FillOptions& options);

// The row of a mechanism that fills an arena as `fill_options` reads it from the strategy's options.
template <FillOptions (*fill_options)(const Options&)>
constexpr Loader arena_loader(const char* name) {
  return {.name = name,
          .unsupported = [](std::span<const Part> parts, const Options& options) {
            return fill_unsupported(parts, fill_options(options));
          },
          .load = [](std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                     const Options& options) { return fill_arena(parts, in_forward_order, fill_options(options)); }};
}

}  // namespace weighbridge
