// read(2) in chunks, front to back, into one arena a part.
#include <algorithm>

#include "arena.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

uint64_t chunk_bytes(const Options& options) {
  options.only({"chunkBytes"});
  return options.number("chunkBytes", 1 << 20, 1, uint64_t{1} << 30);
}

std::optional<Reason> unsupported(std::span<const Part>, const Options& options) {
  chunk_bytes(options);
  return std::nullopt;
}

void read_extent(const FileDescriptor& file, const Part& part, const Extent& extent, uint64_t chunk, std::byte* to) {
  if (::lseek(file.get(), static_cast<off_t>(extent.begin), SEEK_SET) < 0) throw_errno("lseek", part.path);
  uint64_t done = 0;
  while (done < extent.bytes()) {
    const ssize_t got = ::read(file.get(), to + done, std::min(chunk, extent.bytes() - done));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw_errno("read", part.path);
    }
    if (got == 0) throw_short_read("read", part, extent.begin + done);
    done += static_cast<uint64_t>(got);
  }
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const uint64_t chunk = chunk_bytes(options);
  Arena arena(parts, in_forward_order);
  for (size_t index = 0; index < parts.size(); ++index) {
    const FileDescriptor file = open_part(parts[index]);
    const Extent& extent = arena.extent(index);
    if (extent.bytes() > 0) read_extent(file, parts[index], extent, chunk, arena.at(index, extent.begin));
  }
  return std::make_unique<ArenaWeights>(std::move(arena), Effective{{"chunkBytes", static_cast<int64_t>(chunk)}});
}

}  // namespace

const Loader read = {"read", unsupported, load};

}  // namespace weighbridge::mechanisms
