// Reads every block that holds a tensor byte into a small buffer that stays hot, and keeps nothing: what the device and
// the way to it give when no memory has to be filled. A bound, not a loader.
#include <algorithm>
#include <atomic>
#include <vector>

#include "../probes/direct_io.h"
#include "arena.h"
#include "arrivals.h"
#include "mechanisms.h"
#include "part_file.h"

namespace weighbridge::mechanisms {

namespace {

struct Settings {
  bool direct;
  uint64_t chunk_bytes;
  uint32_t threads;
};

Settings settings_of(const Options& options) {
  options.only({"direct", "chunkBytes", "threads"});
  const Settings settings = {options.flag("direct"),
                             options.number("chunkBytes", 1 << 20, page_size(), uint64_t{64} << 20),
                             static_cast<uint32_t>(options.number("threads", 1, 1, 1024))};
  if (settings.chunk_bytes % page_size() != 0) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .message = "option chunkBytes must be a multiple of " + std::to_string(page_size())});
  }
  return settings;
}

struct OpenedPart {
  FileDescriptor file;
  uint64_t unit;  // of offsets, lengths and addresses
};

OpenedPart open_to_discard(const Part& part, bool direct) {
  if (!direct) return {open_part(part), 1};
  FileDescriptor file = open_direct(part.path);
  check_unchanged(part, regular_file_size(file, part.path));
  const DirectAlignment alignment = direct_alignment(file, part.path);
  return {std::move(file), std::max(alignment.memory, alignment.offset)};
}

// Returns the bytes that the reads brought: at most a unit more than the block has. A read may be short anywhere
// (read(2)); one that does not bring a whole unit before the block's end has met the end of the file.
uint64_t read_block(const OpenedPart& opened, const Part& part, const Block& block, std::byte* hot) {
  const uint64_t room = round_up(block.bytes, opened.unit);
  uint64_t done = 0;
  while (true) {
    const ssize_t got =
        ::pread(opened.file.get(), hot + done, room - done, static_cast<off_t>(block.offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EINVAL && opened.unit > 1) throw_errno("pread", part.path, "direct-io-unsupported");
      throw_errno("pread", part.path);
    }
    const auto read = static_cast<uint64_t>(got);
    if (done + read >= block.bytes) return done + read;
    if (read < opened.unit) throw_short_read("pread", part, block.offset + done + read);
    done += round_down(read, opened.unit);
  }
}

// The hot memory is there before the first read, however that is made. It is written to, which works on every kernel,
// and does for direct reads that go only into pages that are there too (touch_for_direct).
void touch(const AnonymousMemory& buffer) {
  auto* const bytes = reinterpret_cast<volatile unsigned char*>(buffer.data());
  for (uint64_t at = 0; at < buffer.bytes(); at += page_size()) bytes[at] = 1;
}

class NothingKept : public Weights {
 public:
  NothingKept(Settings settings, uint32_t threads, uint64_t unit, uint64_t bytes_read)
      : settings_(settings), threads_(threads), unit_(unit), bytes_read_(bytes_read) {}
  const std::byte* address(const TensorRange&) const override {
    throw Error(Reason{.code = "internal", .operation = "address", .message = "the discard mechanism keeps no weights"});
  }
  Effective effective() const override {
    Effective all = {{"bytesRead", static_cast<int64_t>(bytes_read_)},
                     {"chunkBytes", static_cast<int64_t>(settings_.chunk_bytes)},
                     {"threads", static_cast<int64_t>(threads_)}};
    if (settings_.direct) all.emplace("directAlignment", static_cast<int64_t>(unit_));
    return all;
  }

 private:
  Settings settings_;
  uint32_t threads_;  // that there were
  uint64_t unit_;
  uint64_t bytes_read_;
};

std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  if (!settings_of(options).direct) return std::nullopt;
  for (const Part& part : parts) {
    if (std::optional<Reason> reason = direct_io_unsupported(part.path)) return reason;
  }
  return std::nullopt;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const Settings settings = settings_of(options);
  std::vector<OpenedPart> opened;
  uint64_t unit = 1;
  for (const Part& part : parts) {
    opened.push_back(open_to_discard(part, settings.direct));
    unit = std::max(unit, opened.back().unit);
  }
  const Blocks blocks(parts, in_forward_order, settings.chunk_bytes, std::max(unit, page_size()));
  Arrivals arrivals(blocks);
  // All that lies in the timed load beside the reads: a page fault for each page of these few buffers.
  const uint32_t threads = Crew::size_of(blocks, settings.threads);
  std::vector<AnonymousMemory> buffers(threads);
  for (AnonymousMemory& buffer : buffers) {
    buffer = AnonymousMemory(settings.chunk_bytes, std::max(unit, page_size()));
    touch(buffer);
  }
  std::atomic<uint64_t> bytes_read = 0;
  {
    const Crew crew(blocks, arrivals, threads, [&](uint32_t thread, size_t index) {
      const Block& block = blocks.in_order()[index];
      bytes_read += read_block(opened[block.part], parts[block.part], block, buffers[thread].data());
    });
    arrivals.wait_for_all();
  }
  return std::make_unique<NothingKept>(settings, threads, unit, bytes_read.load());
}

}  // namespace

const Loader discard = {"discard", unsupported, load, false};

}  // namespace weighbridge::mechanisms
