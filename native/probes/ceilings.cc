#include "ceilings.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "byte_sum.h"
#include "device_reader.h"
#include "direct_io.h"
#include "file_map.h"
#include "huge_pages.h"
#include "machine.h"
#include "process.h"
#include "together.h"

namespace weighbridge {

namespace {

struct Candidate {
  uint64_t block_bytes;
  uint32_t depth;
};

constexpr uint64_t kibibyte = 1024;
constexpr uint64_t mebibyte = 1024 * kibibyte;

// Small and many against large and few: which of them saturates a device depends on its queue and its request size.
constexpr std::array<Candidate, 4> candidates = {
    {{256 * kibibyte, 32}, {512 * kibibyte, 32}, {1 * mebibyte, 8}, {4 * mebibyte, 4}}};

constexpr size_t rounds = 3;

uint64_t total_bytes(std::span<const Extent> extents) {
  uint64_t sum = 0;
  for (const Extent& extent : extents) sum += extent.bytes();
  return sum;
}

// The piece [from, from + bytes) of the extents laid end to end, one extent a part again.
std::vector<Extent> slice(std::span<const Extent> extents, uint64_t from, uint64_t bytes) {
  std::vector<Extent> pieces;
  uint64_t before = 0;
  for (const Extent& extent : extents) {
    const uint64_t begin = std::clamp(from, before, before + extent.bytes()) - before;
    const uint64_t end = std::clamp(from + bytes, before, before + extent.bytes()) - before;
    pieces.push_back(begin < end ? Extent{extent.begin + begin, extent.begin + end} : Extent{0, 0});
    before += extent.bytes();
  }
  return pieces;
}

double bytes_per_ns(const CeilingResult& result) {
  return result.ns > 0 ? static_cast<double>(result.bytes) / static_cast<double>(result.ns) : 0;
}

using Pieces = std::vector<std::span<const std::byte>>;

uint64_t sum_of(const Pieces& pieces) noexcept {
  uint64_t sum = 0;
  for (const std::span<const std::byte> piece : pieces) sum += byte_sum(piece);
  return sum;
}

// Each thread sums its share once unmeasured, and again measured. Returns the time of the second sums and the bytes that
// were read from storage meanwhile.
CeilingResult sum_twice(std::span<const Pieces> shares) {
  std::vector<uint64_t> sums(shares.size());
  const CounterReader counters;
  std::optional<uint64_t> read_before;
  const SharedWork twice = {.prepare = [&](uint32_t thread) { sums[thread] = sum_of(shares[thread]); },
                            .before_start = [&] { read_before = counters.read().read_bytes; },
                            .work = [&](uint32_t thread) { sums[thread] += sum_of(shares[thread]); }};
  const uint64_t ns = timed_together(static_cast<uint32_t>(shares.size()), twice);
  const std::optional<uint64_t> read_after = counters.read().read_bytes;
  volatile uint64_t sink = 0;
  for (const uint64_t sum : sums) sink = sink + sum;
  return {0, ns, false, bytes_between(read_before, read_after)};
}

}  // namespace

std::optional<Reason> device_ceiling_unsupported(std::span<const Part> parts) {
  for (const Part& part : parts) {
    if (std::optional<Reason> reason = direct_io_unsupported(part.path)) return reason;
  }
  return std::nullopt;
}

CeilingResult device_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges,
                             const DeviceRecipe& recipe) {
  DeviceReader reader(parts);
  const std::vector<Extent> extents = reader.aligned_extents(ranges);
  return reader.read(reader.blocks(extents, recipe.block_bytes), recipe);
}

CeilingResult home_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges,
                           const DeviceRecipe& recipe) {
  DeviceReader reader(parts);
  const std::vector<Extent> extents = reader.aligned_extents(ranges);
  std::vector<Region> homes;
  for (const Extent& extent : extents) {
    homes.push_back(extent.bytes() > 0 ? Region(extent.bytes(), PageKind::huge) : Region());
  }
  return reader.read_home(reader.blocks(extents, recipe.block_bytes), recipe, extents, homes);
}

DeviceRecipe choose_device_recipe(std::span<const Part> parts, std::span<const TensorRange> ranges,
                                  uint64_t bytes_each) {
  DeviceReader reader(parts);
  const std::vector<Extent> extents = reader.aligned_extents(ranges);
  const DeviceEngine engine = io_uring_capability().supported ? DeviceEngine::io_uring : DeviceEngine::threads;
  const uint64_t total = total_bytes(extents);
  DeviceRecipe best = {engine, fallback_block_bytes, fallback_depth};
  double best_rate = 0;
  uint64_t from = 0;
  for (size_t reading = 0; reading < rounds * candidates.size(); ++reading) {
    // Round r begins with candidate r.
    const Candidate& candidate = candidates[(reading + reading / candidates.size()) % candidates.size()];
    const uint64_t least = 4 * candidate.depth * candidate.block_bytes;
    if (least > total / candidates.size()) continue;
    const uint64_t bytes = round_up(std::max(std::min(bytes_each, total / candidates.size()), least), reader.unit());
    if (from + bytes > total) from = 0;
    const DeviceRecipe recipe = {engine, candidate.block_bytes, candidate.depth};
    const std::vector<DeviceBlock> blocks = reader.blocks(slice(extents, from, bytes), recipe.block_bytes);
    from += bytes;
    const double rate = bytes_per_ns(reader.read(blocks, recipe));
    if (rate > best_rate) {
      best_rate = rate;
      best = recipe;
    }
  }
  return best;
}

CeilingResult memory_ceiling(std::span<const Part> parts, std::span<const TensorRange> ranges, uint32_t threads) {
  if (threads == 0) {
    throw Error(Reason{.code = "bad-option", .operation = "memory ceiling", .message = "wants one thread or more"});
  }
  const std::vector<Extent> extents = tensor_extents(parts, ranges);
  std::vector<std::optional<FileMap>> maps;
  for (size_t index = 0; index < parts.size(); ++index) {
    const FileDescriptor file = open_part(parts[index]);
    maps.emplace_back();
    if (extents[index].bytes() > 0) maps.back().emplace(file, parts[index].bytes, MAP_POPULATE, parts[index].path);
  }
  const uint64_t total = total_bytes(extents);
  std::vector<Pieces> shares(threads);
  for (uint32_t thread = 0; thread < threads; ++thread) {
    const Share share = share_of(total, thread, threads, page_size());
    const std::vector<Extent> own = slice(extents, share.begin, share.end - share.begin);
    for (size_t index = 0; index < own.size(); ++index) {
      if (own[index].bytes() == 0) continue;
      shares[thread].push_back(maps[index]->bytes().subspan(own[index].begin, own[index].bytes()));
    }
  }
  CeilingResult result = sum_twice(shares);
  result.bytes = total;
  result.huge_pages = total > 0;
  for (const std::optional<FileMap>& map : maps) {
    if (!map) continue;
    const uint64_t huge = huge_page_bytes(map->bytes());
    result.huge_pages = result.huge_pages && huge > 0 && huge >= round_down(map->bytes().size(), 2 * mebibyte);
  }
  return result;
}

}  // namespace weighbridge
