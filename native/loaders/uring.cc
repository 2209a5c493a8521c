// io_uring: several reads in flight from one thread, in the order of the forward pass.
#include "arena_fill.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

FillOptions fill_options(const Options& options) {
  options.only({"direct", "blockBytes", "depth", "registered", "pipelined", "arena", "prefault", "numaNode"});
  return {.call = options.flag("direct") ? ReadCall::direct : ReadCall::pread,
          .chunk_bytes = options.number("blockBytes", 1 << 20, page_size(), uint64_t{1} << 30),
          .ring = RingOptions{.depth = static_cast<uint32_t>(options.number("depth", 8, 1, most_ring_depth)),
                              .registered = options.flag("registered")},
          .arena = arena_options(options),
          .pipelined = options.flag("pipelined")};
}

std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  return fill_unsupported(parts, fill_options(options));
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  return fill_arena(parts, in_forward_order, fill_options(options));
}

}  // namespace

const Loader uring = {"uring", unsupported, load};

}  // namespace weighbridge::mechanisms
