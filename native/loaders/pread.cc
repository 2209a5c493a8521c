// pread(2) in chunks by any number of threads, each taking the next chunk; with RWF_DONTCACHE where that is asked for.
#include "arena_fill.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

FillOptions fill_options(const Options& options) {
  options.only({"chunkBytes", "threads", "dontCache", "pipelined", "arena", "prefault", "numaNode"});
  return {.call = options.flag("dontCache") ? ReadCall::dont_cache : ReadCall::pread,
          .chunk_bytes = options.number("chunkBytes", 1 << 20, page_size(), uint64_t{1} << 30),
          .threads = static_cast<uint32_t>(options.number("threads", 1, 1, 1024)),
          .arena = arena_options(options),
          .pipelined = options.flag("pipelined")};
}

}  // namespace

constinit const Loader pread = arena_loader<fill_options>("pread");

}  // namespace weighbridge::mechanisms
