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

}  // namespace

constinit const Loader uring = arena_loader<fill_options>("uring");

}  // namespace weighbridge::mechanisms
