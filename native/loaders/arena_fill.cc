#include "arena_fill.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "../probes/page_cache.h"
#include "arrivals.h"
#include "prefault.h"

namespace weighbridge {

namespace {

// No part is larger: with blocks of this size each part is one.
constexpr uint64_t whole_part = uint64_t{1} << 62;

std::vector<TensorRange> order_of(std::span<const TensorRange> in_forward_order, const FillOptions& options) {
  if (options.pipelined || options.ring) return {in_forward_order.begin(), in_forward_order.end()};
  return in_file_order(in_forward_order);
}

PartReader open_parts(std::span<const Part> parts, const FillOptions& options) {
  PartReader reader(parts, options.call);
  if (options.call != ReadCall::read && options.chunk_bytes % reader.unit() != 0) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .message = std::string("option ") + (options.ring ? "blockBytes" : "chunkBytes") +
                                  " must be a multiple of " + std::to_string(reader.unit()) +
                                  ", the size of a page or the alignment of direct I/O here"});
  }
  return reader;
}

// Members are destroyed from the last to the first: what reads and touches ends before the memory goes.
class FilledWeights final : public Weights {
 public:
  FilledWeights(std::span<const Part> parts, const std::vector<TensorRange>& order, const FillOptions& options)
      : options_(options),
        parts_(parts.begin(), parts.end()),
        reader_(open_parts(parts, options)),
        effective_(reader_.effective()),
        arena_(make_arena(parts, order, reader_.unit(), options.arena)),
        blocks_(parts, order, options.call == ReadCall::read ? whole_part : options.chunk_bytes, reader_.unit()),
        arrivals_(blocks_) {
    if (options.arena.prefault) prefault_ = std::make_unique<Prefault>(arena_, parts, order);
    if (options.ring) {
      const RingFill::Work work = {parts_,  order,   options.chunk_bytes, reader_,
                                   arena_,  blocks_, arrivals_,           prefault_.get()};
      ring_ = std::make_unique<RingFill>(work, *options.ring);
    }
    if (options.pipelined) {
      start();
    } else {
      fill();
    }
  }

  ~FilledWeights() override {
    if (ring_) ring_->stop();
  }

  const std::byte* address(const TensorRange& range) const override { return arena_.at(range.part, range.offset); }

  void ready(const TensorRange& range) override {
    if (options_.pipelined) arrivals_.wait(range);
  }

  int64_t settled_at() override {
    if (!options_.pipelined) return 0;
    arrivals_.wait_for_all();
    return arrivals_.completed_at();
  }

  uint64_t waited_ns() const override { return options_.pipelined ? arrivals_.waited_ns() : 0; }

  Effective effective() const override;
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  // All of it, before load returns.
  void fill() {
    if (ring_) {
      ring_->run();
    } else if (options_.threads == 1) {
      for (size_t block = 0; block < blocks_.size(); ++block) bring(block);
    } else {
      start();
      arrivals_.wait_for_all();
    }
    crew_.reset();
    ring_.reset();
    prefault_.reset();
    reader_.close();
  }

  void start() {
    if (!ring_) {
      crew_ = std::make_unique<Crew>(blocks_, arrivals_, options_.threads,
                                     [this](uint32_t, size_t block) { bring(block); });
      return;
    }
    try {
      driver_ = std::jthread([this] {
        try {
          ring_->run();
        } catch (...) {
          arrivals_.failed(std::current_exception());
        }
      });
    } catch (const std::system_error& error) {
      throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory", "use fewer threads"));
    }
  }

  // One block, in calls of at most a chunk.
  void bring(size_t block) {
    std::optional<Block> rest = blocks_.in_order()[block];
    for (uint32_t in_vain = 0; rest;) {
      const uint64_t bytes = std::min(rest->bytes, options_.chunk_bytes);
      if (prefault_) prefault_->obtain({rest->part, rest->offset, bytes});
      const int64_t got = reader_.ask(*rest, arena_.at(rest->part, rest->offset), options_.chunk_bytes);
      rest = reader_.rest_after(*rest, got, reader_.operation(), in_vain);
    }
  }

  void read_back_residency(Effective& effective) const;

  const FillOptions options_;
  const std::vector<Part> parts_;
  PartReader reader_;
  const Effective effective_;  // what is known from the beginning
  Arena arena_;
  const Blocks blocks_;
  Arrivals arrivals_;
  std::unique_ptr<Prefault> prefault_;
  std::unique_ptr<RingFill> ring_;
  std::unique_ptr<Crew> crew_;
  std::jthread driver_;  // of the ring
  mutable std::vector<std::string> warnings_;
};

// What of the files is in the page cache: after a load from cold it stays near 0 unless the kernel or the file system
// read through the cache behind our back.
void FilledWeights::read_back_residency(Effective& effective) const {
  std::vector<std::string> paths;
  for (const Part& part : parts_) paths.push_back(part.path);
  try {
    const Residency now = residency(paths);
    if (now.source != ResidencySource::none) effective.emplace("residentBytes", static_cast<int64_t>(now.resident));
  } catch (const Error& error) {
    // Asked after the measurement, which must not be lost with a file that is gone by now.
    warnings_.push_back(std::string("what was left in the page cache could not be read: ") + error.what());
  }
}

Effective FilledWeights::effective() const {
  Effective all = effective_;
  warnings_.clear();
  all.emplace(options_.ring ? "blockBytes" : "chunkBytes", static_cast<int64_t>(options_.chunk_bytes));
  if (options_.call != ReadCall::read) all.emplace("pipelined", options_.pipelined);
  if (options_.ring) {
    all.emplace("depth", static_cast<int64_t>(options_.ring->depth));
    all.emplace("registered", options_.ring->registered);
    all.emplace("direct", options_.call == ReadCall::direct);
  } else if (options_.call != ReadCall::read) {
    all.emplace("threads", static_cast<int64_t>(Crew::size_of(blocks_, options_.threads)));
  }
  read_back(arena_, options_.arena, blocks_.bytes(), all, warnings_);
  const bool past_the_cache = options_.call == ReadCall::direct || options_.call == ReadCall::dont_cache;
  if (past_the_cache) read_back_residency(all);
  return all;
}

}  // namespace

std::optional<Reason> fill_unsupported(std::span<const Part> parts, const FillOptions& options) {
  if (std::optional<Reason> reason = read_call_unsupported(parts, options.call)) return reason;
  if (std::optional<Reason> reason = arena_unsupported(parts, options.arena)) return reason;
  if (!options.ring) return std::nullopt;
  uint64_t bytes = 0;
  for (const Part& part : parts) bytes += part.bytes;
  return ring_unsupported(*options.ring, bytes);
}

std::unique_ptr<Weights> fill_arena(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                                    const FillOptions& options) {
  return std::make_unique<FilledWeights>(parts, order_of(in_forward_order, options), options);
}

}  // namespace weighbridge
