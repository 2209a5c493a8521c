// O_DIRECT reads into the arena: from the device to its place, past the page cache.
#include <algorithm>
#include <string>
#include <vector>

#include "../probes/direct_io.h"
#include "../probes/page_cache.h"
#include "arena.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

constexpr uint64_t default_chunk_bytes = 4 << 20;

uint64_t chunk_bytes(const Options& options) {
  options.only({"chunkBytes"});
  return options.number("chunkBytes", default_chunk_bytes, 512, uint64_t{1} << 30);
}

struct DirectPart {
  FileDescriptor file;
  DirectAlignment alignment;
};

// Steps of it keep both the file offset and the address aligned.
uint64_t unit_of(const DirectAlignment& alignment) { return std::max(alignment.memory, alignment.offset); }

DirectPart open_direct_part(const Part& part, uint64_t chunk) {
  FileDescriptor file = open_direct(part.path);
  check_unchanged(part, regular_file_size(file, part.path));
  const DirectAlignment alignment = direct_alignment(file, part.path);
  if (chunk % unit_of(alignment) != 0) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .path = part.path,
                       .message = "option chunkBytes must be a multiple of " + std::to_string(unit_of(alignment)) +
                                  ", the alignment of direct I/O here"});
  }
  return DirectPart{std::move(file), alignment};
}

class DirectWeights : public ArenaWeights {
 public:
  DirectWeights(Arena arena, Effective effective, std::vector<std::string> paths)
      : ArenaWeights(std::move(arena), std::move(effective)), paths_(std::move(paths)) {}

  // What of the files is in the page cache: after a load from cold it stays near 0 unless the file system read through
  // the cache behind our back.
  Effective effective() const override {
    Effective all = ArenaWeights::effective();
    try {
      const Residency now = residency(paths_);
      if (now.source != ResidencySource::none) all.emplace("residentBytes", static_cast<int64_t>(now.resident));
    } catch (const Error& error) {
      // Asked after the measurement, which must not be lost with a file that is gone by now.
      warnings_.push_back(std::string("what direct reads left in the page cache could not be read: ") + error.what());
    }
    return all;
  }
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  std::vector<std::string> paths_;
  mutable std::vector<std::string> warnings_;
};

std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  chunk_bytes(options);
  for (const Part& part : parts) {
    if (std::optional<Reason> reason = direct_io_unsupported(part.path)) return reason;
  }
  return std::nullopt;
}

// Reads whole units until the last tensor byte is there. A read may be short anywhere (read(2)): what it brought of the
// last unit is read again. One that brings less than a unit before the last tensor byte has met the file's end.
void read_extent(const DirectPart& opened, const Part& part, const Extent& extent, uint64_t chunk, std::byte* to) {
  const uint64_t unit = unit_of(opened.alignment);
  const uint64_t wanted = extent.bytes();
  const uint64_t room = round_up(wanted, unit);
  uint64_t done = 0;
  while (done < wanted) {
    const ssize_t got = ::pread(opened.file.get(), to + done, std::min(chunk, room - done),
                                static_cast<off_t>(extent.begin + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EINVAL) throw_errno("pread", part.path, "direct-io-unsupported");
      throw_errno("pread", part.path);
    }
    const auto read = static_cast<uint64_t>(got);
    if (done + read >= wanted) return;
    if (read < unit) throw_short_read("pread", part, extent.begin + done + read);
    done += round_down(read, unit);
  }
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const uint64_t chunk = chunk_bytes(options);
  std::vector<DirectPart> opened;
  std::vector<std::string> paths;
  DirectAlignment strictest = {1, 1, true};
  for (const Part& part : parts) {
    opened.push_back(open_direct_part(part, chunk));
    paths.push_back(part.path);
    const DirectAlignment& alignment = opened.back().alignment;
    strictest = {std::max(strictest.memory, alignment.memory), std::max(strictest.offset, alignment.offset),
                 strictest.reported && alignment.reported};
  }
  Arena arena(parts, in_forward_order, std::max({page_size(), strictest.memory, strictest.offset}));
  for (size_t index = 0; index < parts.size(); ++index) {
    const Extent& extent = arena.extent(index);
    if (extent.bytes() > 0) read_extent(opened[index], parts[index], extent, chunk, arena.at(index, extent.begin));
  }
  Effective effective = {{"chunkBytes", static_cast<int64_t>(chunk)},
                         {"memoryAlignment", static_cast<int64_t>(strictest.memory)},
                         {"offsetAlignment", static_cast<int64_t>(strictest.offset)},
                         {"alignmentSource", std::string(strictest.reported ? "statx" : "assumed")}};
  return std::make_unique<DirectWeights>(std::move(arena), std::move(effective), std::move(paths));
}

}  // namespace

const Loader direct = {"direct", unsupported, load};

}  // namespace weighbridge::mechanisms
