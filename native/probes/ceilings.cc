#include "ceilings.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include "byte_sum.h"
#include "device_reader.h"
#include "direct_io.h"
#include "file_map.h"
#include "huge_pages.h"
#include "machine.h"
#include "process.h"

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

// Sums pieces of memory by `threads` threads that start together; returns the nanoseconds until the last has ended.
uint64_t sum_together(std::span<const std::span<const std::byte>> shares) {
  std::latch ready(static_cast<std::ptrdiff_t>(shares.size()) + 1);
  std::latch go(1);
  std::vector<uint64_t> sums(shares.size());
  int64_t start = 0;
  {
    std::vector<std::jthread> threads;
    try {
      for (size_t index = 0; index < shares.size(); ++index) {
        threads.emplace_back([&, index] {
          ready.count_down();
          go.wait();
          sums[index] = byte_sum(shares[index]);
        });
      }
    } catch (const std::system_error& error) {
      go.count_down();
      throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory"));
    }
    ready.arrive_and_wait();
    start = now_ns();
    go.count_down();
  }
  const int64_t end = now_ns();
  volatile uint64_t sink = 0;
  for (const uint64_t sum : sums) sink = sink + sum;
  return static_cast<uint64_t>(end - start);
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

DeviceRecipe choose_device_recipe(std::span<const Part> parts, std::span<const TensorRange> ranges,
                                  uint64_t bytes_each) {
  DeviceReader reader(parts);
  const std::vector<Extent> extents = reader.aligned_extents(ranges);
  const DeviceEngine engine = io_uring_capability().supported ? DeviceEngine::io_uring : DeviceEngine::threads;
  const uint64_t share = total_bytes(extents) / candidates.size();
  DeviceRecipe best = {engine, 1 * mebibyte, 8};
  double best_rate = 0;
  for (size_t index = 0; index < candidates.size(); ++index) {
    const uint64_t from = round_down(index * share, reader.unit());
    const uint64_t bytes = round_up(std::min(bytes_each, share), reader.unit());
    const DeviceRecipe recipe = {engine, candidates[index].block_bytes, candidates[index].depth};
    const std::vector<DeviceBlock> blocks = reader.blocks(slice(extents, from, bytes), recipe.block_bytes);
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
  std::vector<FileMap> maps;
  std::vector<std::span<const std::byte>> pieces;
  for (size_t index = 0; index < parts.size(); ++index) {
    const FileDescriptor file = open_part(parts[index]);
    if (extents[index].bytes() == 0) continue;
    maps.emplace_back(file, parts[index].bytes, MAP_POPULATE, parts[index].path);
    pieces.push_back(maps.back().bytes().subspan(extents[index].begin, extents[index].bytes()));
  }
  CeilingResult result = {0, 0, !pieces.empty()};
  for (const std::span<const std::byte> piece : pieces) {
    std::vector<std::span<const std::byte>> shares;
    const uint64_t share = round_up(piece.size() / threads + 1, page_size());
    for (uint64_t at = 0; at < piece.size(); at += share) {
      shares.push_back(piece.subspan(at, std::min<uint64_t>(share, piece.size() - at)));
    }
    sum_together(shares);
    result.ns += sum_together(shares);
    result.bytes += piece.size();
  }
  for (const FileMap& map : maps) {
    const uint64_t huge = huge_page_bytes(map.bytes());
    result.huge_pages = result.huge_pages && huge > 0 && huge >= round_down(map.bytes().size(), 2 * mebibyte);
  }
  return result;
}

}  // namespace weighbridge
