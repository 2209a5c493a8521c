// Our own: takes the road that the page cache and free memory allow at this moment, and computes the first token while
// later layers still arrive (hybrid_road.h).
//
// Nobody asks free memory beforehand but for the pool: what was freed last is handed out first and is backed in either
// case, so that it takes tens of pages to know. A load begins by huge-map, and each block that came is touched here and
// there: a few slow ones in a row (slow_blocks.h), and the rest comes by readahead. Where a first use costs as much of
// memory that is certainly backed, as in virtual machines whose host keeps shadow page tables, it tells nothing and
// huge-map stays.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../probes/cachestat.h"
#include "../probes/process.h"
#include "arena_fill.h"
#include "arrivals.h"
#include "bring.h"
#include "first_use.h"
#include "huge_pool.h"
#include "hybrid_road.h"
#include "mapping.h"
#include "mechanisms.h"
#include "memory_probe.h"
#include "slow_blocks.h"

namespace weighbridge::mechanisms {

namespace {

// What the forward pass waits for at a time.
constexpr uint64_t block_bytes = 4 << 20;
// Of MADV_POPULATE_READ; more get into each other's way on a device that one can keep busy.
constexpr uint32_t populating_threads = 2;
// Between two bytes that are read of a block, to learn what its memory is.
constexpr uint64_t watch_step = 256 << 10;
constexpr size_t most_watched = block_bytes / watch_step;
// Of one readahead(2) where the system does not tell what it reads at most: the window that Linux begins with.
constexpr uint64_t least_read_ahead = 128 << 10;

// What was learnt before the road was taken.
struct Found {
  std::optional<uint64_t> resident_bytes = {};  // nothing where the kernel does not tell
  std::optional<MemoryProbe> probe = {};              // nothing where nobody had to ask
  std::string refused = {};                     // why the pool was not taken in the end
};

void report(const Found& found, Road road, Effective& all) {
  all.emplace("road", std::string(name_of(road)));
  if (found.resident_bytes) all.emplace("residentBytesFound", static_cast<int64_t>(*found.resident_bytes));
  if (!found.probe) return;
  all.emplace("pagesProbed", static_cast<int64_t>(found.probe->pages));
  all.emplace("slowestPageNs", static_cast<int64_t>(found.probe->slowest_ns));
}

// A map of every part, and the threads that bring it in, in the order of need.
class HybridMap : public Weights {
 public:
  HybridMap(std::span<const Part> parts, std::span<const TensorRange> in_forward_order)
      : parts_(parts.begin(), parts.end()),
        extents_(tensor_extents(parts, in_forward_order)),
        blocks_(parts, in_forward_order, block_bytes),
        arrivals_(blocks_),
        slow_blocks_(blocks_.size()) {
    for (const TensorRange& range : in_forward_order) tensor_bytes_ += range.bytes;
    files_.reserve(parts_.size());
    mappings_.reserve(parts_.size());
    for (size_t index = 0; index < parts_.size(); ++index) {
      const bool empty = extents_[index].bytes() == 0;
      files_.push_back(open_part(parts_[index]));
      mappings_.push_back(empty ? Mapping() : Mapping(files_.back(), parts_[index], PROT_READ, MAP_SHARED));
    }
  }

  // Of the pages that hold tensors: bytes in the page cache, and how many there are. About 0.2 ms for gigabytes.
  struct Residency {
    std::optional<uint64_t> resident;
    uint64_t all;
  };
  Residency residency() const noexcept {
    Residency sum = {0, 0};
    for (size_t index = 0; index < parts_.size(); ++index) {
      if (extents_[index].bytes() == 0) continue;
      const uint64_t begin = round_down(extents_[index].begin, page_size());
      const uint64_t bytes = round_up(extents_[index].end, page_size()) - begin;
      const CachedPages cached = cached_pages(files_[index], begin, bytes);
      sum.all += bytes;
      if (cached.error_number != 0) sum.resident.reset();
      if (sum.resident) *sum.resident += cached.pages * page_size();
    }
    return sum;
  }

  // Of free memory, in bytes, to learn whether it was given back: a small share of what the model takes of it.
  uint64_t most_probed() const noexcept { return tensor_bytes_ / 8; }

  // Open to change, map gives way to map-ahead where first uses cost, and huge-map to readahead where free memory turns
  // out to have been given back.
  void start(Road road, Found found, bool open_to_change) {
    if (open_to_change) backed_use_ns_ = first_use_ns();
    unasked_ = open_to_change && !backed_use_ns_;
    const bool costly = first_uses_cost(backed_use_ns_);
    road_ = road == Road::map && costly && !road_unsupported(Road::map_ahead, parts_) ? Road::map_ahead : road;
    found_ = std::move(found);
    if (road_ == Road::map_ahead) map_ahead();
    if (road_ == Road::map || road_ == Road::map_ahead) return;
    if (road == Road::huge_map) ask_for_huge_pages();
    for (const Part& part : parts_) {
      const uint64_t cap = read_ahead_cap(part.path, false).value_or(least_read_ahead);
      read_ahead_steps_.push_back(std::max(page_size(), round_down(cap, page_size())));
    }
    watching_ = open_to_change && !costly;
    crew_ = std::make_unique<Crew>(blocks_, arrivals_, road == Road::huge_map ? populating_threads : 1,
                                   [this](uint32_t, size_t index) { bring_block(blocks_.in_order()[index]); });
  }

  const std::byte* address(const TensorRange& range) const override { return mappings_[range.part].at(range.offset); }

  // By huge-map the forward pass faults what has not come yet, and so asks the device for it itself: more is in flight,
  // and nobody waits for the rest of a block. What is read ahead is waited for, since a fault before it was asked for
  // would bring huge pages.
  void ready(const TensorRange& range) override {
    if (crew_ && (road_ != Road::huge_map || arrivals_.has_failed())) arrivals_.wait(range);
  }
  int64_t settled_at() override {
    if (!crew_) return 0;
    arrivals_.wait_for_all();
    return arrivals_.completed_at();
  }
  uint64_t waited_ns() const override { return arrivals_.waited_ns(); }

  Effective effective() const override {
    warnings_.clear();
    if (!found_.refused.empty()) warnings_.push_back(found_.refused);
    if (unasked_) warnings_.push_back("what the first use of a page costs here could not be asked");
    Effective all;
    report(found_, road_, all);
    if (crew_) {
      all.emplace("blocksPopulated", static_cast<int64_t>(populated_.load()));
      all.emplace("blocksReadAhead", static_cast<int64_t>(read_ahead_.load()));
    }
    if (mapped_ahead_bytes_ != 0) all.emplace("mappedAheadBytes", static_cast<int64_t>(mapped_ahead_bytes_));
    if (backed_use_ns_) all.emplace("firstUseNs", *backed_use_ns_);
    if (road_ == Road::huge_map) report_huge_pages(all);
    return all;
  }
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  void map_ahead() {
    for (size_t index = 0; index < parts_.size(); ++index) {
      if (extents_[index].bytes() == 0) continue;
      const Extent pages = {round_down(extents_[index].begin, page_size()), extents_[index].end};
      bring(BringWay::populate_read, {parts_[index], files_[index], mappings_[index]}, pages, {});
      mapped_ahead_bytes_ += pages.bytes();
    }
  }

  void ask_for_huge_pages() {
    for (size_t index = 0; index < parts_.size(); ++index) {
      const std::span<std::byte> memory = mappings_[index].memory();
      if (memory.empty() || ::madvise(memory.data(), memory.size(), MADV_HUGEPAGE) == 0) continue;
      throw_errno("madvise", parts_[index].path, errno == EINVAL ? "advice-unsupported" : "io-error");
    }
  }

  // Pages that the device has filled in memory that was given back tell it at their first use, in the processor time of
  // whoever uses them, since no fault of the guest's is behind it.
  void watch(const Block& block) noexcept {
    const std::byte* const memory = mappings_[block.part].at(block.offset);
    std::array<int64_t, most_watched> use_ns;
    size_t uses = 0;
    int64_t before = thread_cpu_ns();
    for (uint64_t at = 0; at < block.bytes && uses < use_ns.size(); at += watch_step) {
      static_cast<void>(*static_cast<const volatile std::byte*>(memory + at));
      const int64_t now = thread_cpu_ns();
      use_ns[uses++] = now - std::exchange(before, now);
    }
    if (slow_blocks_.enough_with(std::span(use_ns).first(uses))) road_ = Road::readahead;
  }

  void bring_block(const Block& block) {
    const MappedPart part = {parts_[block.part], files_[block.part], mappings_[block.part]};
    const uint64_t end = block.offset + block.bytes;
    if (road_ == Road::huge_map) {
      bring(BringWay::populate_read, part, {block.offset, end}, {});
      ++populated_;
      populated_bytes_ += block.bytes;
      if (watching_) watch(block);
      return;
    }
    // A second caller only asks the device for what the first one needs later.
    const std::lock_guard lock(reading_ahead_);
    const uint64_t step = read_ahead_steps_[block.part];
    for (uint64_t at = block.offset; at < end; at += step) {
      bring(BringWay::readahead, part, {at, std::min(end, at + step)}, {});
    }
    ++read_ahead_;
  }

  void report_huge_pages(Effective& all) const {
    const std::optional<MappingFacts> facts = mapping_facts(mappings_);
    if (!facts) {
      warnings_.push_back("what the kernel did with the pages could not be read back: /proc/self/smaps cannot be read");
      return;
    }
    all.emplace("hugeFileBytes", static_cast<int64_t>(facts->huge_file));
    if (facts->huge_file >= populated_bytes_ / 10 * 9) return;
    warnings_.push_back("huge pages were asked for: " + std::to_string(facts->huge_file) + " of " +
                        std::to_string(populated_bytes_) + " populated bytes are mapped by them");
  }

  const std::vector<Part> parts_;
  const std::vector<Extent> extents_;
  const Blocks blocks_;
  Arrivals arrivals_;
  std::atomic<Road> road_ = Road::map;
  bool watching_ = false;
  std::optional<int64_t> backed_use_ns_;  // of a page; nothing where the road was given
  bool unasked_ = false;
  uint64_t mapped_ahead_bytes_ = 0;
  SlowBlocks slow_blocks_;
  Found found_;
  std::mutex reading_ahead_;
  std::atomic<uint64_t> populated_ = 0;  // blocks, as the next one
  std::atomic<uint64_t> read_ahead_ = 0;
  std::atomic<uint64_t> populated_bytes_ = 0;
  uint64_t tensor_bytes_ = 0;
  std::vector<FileDescriptor> files_;
  std::vector<Mapping> mappings_;
  std::vector<uint64_t> read_ahead_steps_;  // bytes of one call, by part
  mutable std::vector<std::string> warnings_;
  // Last: its threads end before what they work on.
  std::unique_ptr<Crew> crew_;
};

// The pool's weights, and what led to them.
class HybridPool : public Weights {
 public:
  HybridPool(std::unique_ptr<Weights> filling, Found found) : filling_(std::move(filling)), found_(std::move(found)) {}
  const std::byte* address(const TensorRange& range) const override { return filling_->address(range); }
  void ready(const TensorRange& range) override { filling_->ready(range); }
  int64_t settled_at() override { return filling_->settled_at(); }
  uint64_t waited_ns() const override { return filling_->waited_ns(); }
  Effective effective() const override {
    Effective all = filling_->effective();
    report(found_, Road::pool, all);
    return all;
  }
  std::vector<std::string> warnings() const override { return filling_->warnings(); }

 private:
  const std::unique_ptr<Weights> filling_;
  const Found found_;
};

// What is left open by the options is asked when it loads: until then a model must be mappable, and no more.
std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  return road_unsupported(road_option(options).value_or(Road::map), parts);
}

bool pool_has_room(std::span<const Part> parts) {
  uint64_t pages = 0;
  for (const Part& part : parts) pages += part.bytes / huge_page_unit + 2;
  return idle_pool_pages() >= pages && !road_unsupported(Road::pool, parts);
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const auto fill_pool = [&](const Found& found) {
    return std::make_unique<HybridPool>(fill_arena(parts, in_forward_order, pool_fill()), found);
  };
  const std::optional<Road> wanted = road_option(options);
  Found found;
  if (wanted == Road::pool) return fill_pool(found);
  auto mapped = std::make_unique<HybridMap>(parts, in_forward_order);
  if (wanted) {
    mapped->start(*wanted, found, false);
    return mapped;
  }
  const HybridMap::Residency residency = mapped->residency();
  found.resident_bytes = residency.resident;
  if (residency.resident == residency.all) {
    mapped->start(Road::map, std::move(found), true);
    return mapped;
  }
  // Whoever cannot know what is resident must not read past the cache what may lie in it. The pool is not to be changed
  // for later on, so that here the probe comes first.
  if (residency.resident && pool_has_room(parts)) {
    found.probe = probe_free_memory(mapped->most_probed(), {});
    if (found.probe->returned) {
      try {
        return fill_pool(found);
      } catch (const Error& error) {
        // Another process was quicker, and the other roads are as open as they were.
        if (error.reason().code != "huge-pages-unsupported") throw;
        found.refused = std::string("the pool of huge pages was not to be had: ") + error.what();
      }
    }
  }
  const bool returned = found.probe && found.probe->returned;
  Road road = returned ? Road::readahead : Road::huge_map;
  if (road_unsupported(road, parts)) road = Road::map;
  const bool open_to_change = road == Road::huge_map && !road_unsupported(Road::readahead, parts);
  mapped->start(road, std::move(found), open_to_change);
  return mapped;
}

}  // namespace

const Loader hybrid = {"hybrid", unsupported, load};

}  // namespace weighbridge::mechanisms
