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

}  // namespace

constinit const Loader read = arena_loader<fill_options>("read");

}  // namespace weighbridge::mechanisms
