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

}  // namespace

constinit const Loader direct = arena_loader<fill_options>("direct");

}  // namespace weighbridge::mechanisms
