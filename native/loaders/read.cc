// read(2) in chunks, front to back, into one arena a part.
#include "arena_fill.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

FillOptions fill_options(const Options& options) {
  options.only({"chunkBytes", "arena", "prefault", "numaNode"});
  return {.call = ReadCall::read,
          .chunk_bytes = options.number("chunkBytes", 1 << 20, 1, uint64_t{1} << 30),
          .arena = arena_options(options)};
}

std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  return fill_unsupported(parts, fill_options(options));
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  return fill_arena(parts, in_forward_order, fill_options(options));
}

}  // namespace

const Loader read = {"read", unsupported, load};

}  // namespace weighbridge::mechanisms
