// O_DIRECT reads into the arena: from the device to its place, past the page cache.
#include "arena_fill.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

FillOptions fill_options(const Options& options) {
  options.only({"chunkBytes", "threads", "pipelined", "arena", "prefault", "numaNode"});
  return {.call = ReadCall::direct,
          .chunk_bytes = options.number("chunkBytes", 4 << 20, page_size(), uint64_t{1} << 30),
          .threads = static_cast<uint32_t>(options.number("threads", 1, 1, 1024)),
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

const Loader direct = {"direct", unsupported, load};

}  // namespace weighbridge::mechanisms
