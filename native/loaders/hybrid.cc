// Our own: takes the road that the page cache and free memory allow at this moment, and computes the first token while
// later layers still arrive.
//
// What is resident is mapped, and that is all. For the rest of the model:
//   huge-map   free memory is backed: a mapping of huge pages that two threads populate ahead of the forward pass. The
//              device is the limit, and what arrives costs few faults.
//   readahead  free memory was given back to a host: readahead(2) by one thread. It takes small pages, which come first
//              from fragments that are too small to have been given back, and leaves the first touch to the device.
//   pool       the same, and a pool of reserved huge pages has room: direct I/O into it, since its memory stays backed.
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../probes/cachestat.h"
#include "../probes/free_memory.h"
#include "arena_fill.h"
#include "arrivals.h"
#include "bring.h"
#include "huge_pool.h"
#include "mapping.h"
#include "mechanisms.h"

namespace weighbridge::mechanisms {

namespace {

enum class Road { map, huge_map, readahead, pool };

constexpr const char* name_of(Road road) noexcept {
  switch (road) {
    case Road::map:
      return "map";
    case Road::huge_map:
      return "huge-map";
    case Road::readahead:
      return "readahead";
    case Road::pool:
      return "pool";
  }
  return "";
}

// std::nullopt: to be chosen when it loads.
std::optional<Road> road_option(const Options& options) {
  options.only({"road"});
  const std::string name = options.text("road", "auto");
  if (name == "auto") return std::nullopt;
  for (const Road road : {Road::map, Road::huge_map, Road::readahead, Road::pool}) {
    if (name == name_of(road)) return road;
  }
  throw Error(Reason{.code = "bad-option",
                     .operation = "options",
                     .message = "option road must be auto, map, huge-map, readahead or pool"});
}

FillOptions pool_fill() {
  FillOptions fill;
  fill.call = ReadCall::direct;
  fill.chunk_bytes = 1 << 20;
  fill.ring = RingOptions{.depth = 8};
  fill.arena.pages = ArenaPages::hugetlb;
  fill.arena.prefault = true;
  fill.pipelined = true;
  return fill;
}

// Bytes that are brought by one call, and looked for in the page cache before.
constexpr uint64_t block_bytes = 4 << 20;
// Places of the model that are asked whether they are resident, before anything is decided.
constexpr uint64_t places_asked = 16;

// A first touch of one huge page: 0.15–0.7 ms where it is backed, 3–15 ms where the host must find it first.
constexpr uint64_t probe_bytes = 2 << 20;
constexpr uint64_t slow_probe_ns = 1'500'000;

bool resident(const FileDescriptor& file, const Block& block) noexcept {
  const CachedPages cached = cached_pages(file, block.offset, block.bytes);
  // Where nobody may know, the block counts as absent: to bring what is there costs little.
  return cached.error_number == 0 && cached.pages * page_size() >= block.bytes;
}

bool memory_was_returned() { return first_touch_ns(probe_bytes) > slow_probe_ns; }

// A map of every part, and the threads that bring what the page cache lacks, in the order of need.
class HybridMap : public Weights {
 public:
  HybridMap(std::span<const Part> parts, std::span<const TensorRange> in_forward_order)
      : parts_(parts.begin(), parts.end()), blocks_(parts, in_forward_order, block_bytes), arrivals_(blocks_) {
    const std::vector<Extent> extents = tensor_extents(parts, in_forward_order);
    files_.reserve(parts_.size());
    mappings_.reserve(parts_.size());
    for (size_t index = 0; index < parts_.size(); ++index) {
      const bool empty = extents[index].bytes() == 0;
      files_.push_back(open_part(parts_[index]));
      mappings_.push_back(empty ? Mapping() : Mapping(files_.back(), parts_[index], PROT_READ, MAP_SHARED));
    }
  }

  // Whether all of a few places, evenly spread, are in the page cache.
  bool seems_resident() const noexcept {
    const std::span<const Block> blocks = blocks_.in_order();
    const size_t step = std::max<size_t>(1, blocks.size() / places_asked);
    for (size_t index = 0; index < blocks.size(); index += step) {
      if (!resident(files_[blocks[index].part], blocks[index])) return false;
    }
    return blocks.empty() || resident(files_[blocks.back().part], blocks.back());
  }

  void start(Road road) {
    road_ = road;
    if (road == Road::map) return;
    if (road == Road::huge_map) {
      for (size_t index = 0; index < parts_.size(); ++index) {
        const std::span<std::byte> memory = mappings_[index].memory();
        if (memory.empty() || ::madvise(memory.data(), memory.size(), MADV_HUGEPAGE) == 0) continue;
        throw_errno("madvise", parts_[index].path, errno == EINVAL ? "advice-unsupported" : "io-error");
      }
    }
    const BringWay way = road == Road::huge_map ? BringWay::populate_read : BringWay::readahead;
    crew_ = std::make_unique<Crew>(blocks_, arrivals_, road == Road::huge_map ? 2 : 1,
                                   [this, way](uint32_t, size_t index) { bring_block(way, blocks_.in_order()[index]); });
  }

  const std::byte* address(const TensorRange& range) const override { return mappings_[range.part].at(range.offset); }

  // Two that fault the same pages get into each other's way: the forward pass waits.
  void ready(const TensorRange& range) override {
    if (crew_) arrivals_.wait(range);
  }
  int64_t settled_at() override {
    if (!crew_) return 0;
    arrivals_.wait_for_all();
    return arrivals_.completed_at();
  }
  uint64_t waited_ns() const override { return arrivals_.waited_ns(); }

  Effective effective() const override {
    Effective all = {{"road", std::string(name_of(road_))},
                     {"blocksBrought", static_cast<int64_t>(brought_.load())},
                     {"blocksResident", static_cast<int64_t>(found_.load())}};
    if (road_ == Road::huge_map) {
      if (const std::optional<MappingFacts> facts = mapping_facts(mappings_)) {
        all.emplace("hugeFileBytes", static_cast<int64_t>(facts->huge_file));
      }
    }
    return all;
  }

 private:
  void bring_block(BringWay way, const Block& block) {
    const FileDescriptor& file = files_[block.part];
    if (resident(file, block)) {
      ++found_;
      return;
    }
    const MappedPart part = {parts_[block.part], file, mappings_[block.part]};
    bring(way, part, {block.offset, block.offset + block.bytes}, {});
    ++brought_;
  }

  const std::vector<Part> parts_;
  const Blocks blocks_;
  Arrivals arrivals_;
  Road road_ = Road::map;
  std::vector<FileDescriptor> files_;
  std::vector<Mapping> mappings_;
  std::atomic<uint64_t> found_ = 0;
  std::atomic<uint64_t> brought_ = 0;
  // Last: its threads end before what they work on.
  std::unique_ptr<Crew> crew_;
};

// The pool's weights, and which road they came by.
class HybridPool : public Weights {
 public:
  explicit HybridPool(std::unique_ptr<Weights> filling) : filling_(std::move(filling)) {}
  const std::byte* address(const TensorRange& range) const override { return filling_->address(range); }
  void ready(const TensorRange& range) override { filling_->ready(range); }
  int64_t settled_at() override { return filling_->settled_at(); }
  uint64_t waited_ns() const override { return filling_->waited_ns(); }
  Effective effective() const override {
    Effective all = filling_->effective();
    all.emplace("road", std::string(name_of(Road::pool)));
    return all;
  }
  std::vector<std::string> warnings() const override { return filling_->warnings(); }

 private:
  std::unique_ptr<Weights> filling_;
};

std::optional<Reason> road_unsupported(Road road, std::span<const Part> parts) {
  if (road == Road::pool) return fill_unsupported(parts, pool_fill());
  for (const Part& part : parts) {
    if (auto reason = mapping_unsupported(part, MAP_SHARED)) return reason;
    if (road == Road::map) continue;
    const BringWay way = road == Road::huge_map ? BringWay::populate_read : BringWay::readahead;
    if (auto reason = bring_unsupported(way, part)) return reason;
  }
  if (road != Road::huge_map) return std::nullopt;
  return advice_unsupported(MADV_HUGEPAGE, "advice-unsupported", "the kernel has no transparent huge pages");
}

// The roads that this machine has, of those that the options leave open, are asked when it loads: a model must be
// mappable, and no more.
std::optional<Reason> unsupported(std::span<const Part> parts, const Options& options) {
  return road_unsupported(road_option(options).value_or(Road::map), parts);
}

// The best road for what is not resident. Asks the memory first, since that alone can cost milliseconds.
Road choose_road(std::span<const Part> parts) {
  if (!memory_was_returned()) {
    return road_unsupported(Road::huge_map, parts) ? Road::map : Road::huge_map;
  }
  if (!road_unsupported(Road::pool, parts)) return Road::pool;
  return road_unsupported(Road::readahead, parts) ? Road::map : Road::readahead;
}

std::unique_ptr<Weights> load(std::span<const Part> parts, std::span<const TensorRange> in_forward_order,
                              const Options& options) {
  const std::optional<Road> wanted = road_option(options);
  const auto fill_pool = [&] {
    return std::make_unique<HybridPool>(fill_arena(parts, in_forward_order, pool_fill()));
  };
  if (wanted == Road::pool) return fill_pool();
  auto mapped = std::make_unique<HybridMap>(parts, in_forward_order);
  Road road = Road::map;
  if (wanted) {
    road = *wanted;
  } else if (!mapped->seems_resident()) {
    road = choose_road(parts);
  }
  if (road == Road::pool) return fill_pool();
  mapped->start(road);
  return mapped;
}

}  // namespace

const Loader hybrid = {"hybrid", unsupported, load};

}  // namespace weighbridge::mechanisms
