#include "memory_speed.h"

#include <algorithm>
#include <cstring>

#include "byte_sum.h"
#include "region.h"
#include "together.h"

namespace weighbridge {

namespace {

constexpr int passes = 2;

template <class Work>
uint64_t best_ns(uint32_t threads, std::span<std::byte> memory, Work&& work) {
  uint64_t best = UINT64_MAX;
  for (int pass = 0; pass < passes; ++pass) {
    const SharedWork shared = {.work = [&](uint32_t thread) {
      const Share share = share_of(memory.size(), thread, threads, 4096);
      work(thread, memory.subspan(share.begin, share.end - share.begin));
    }};
    best = std::min(best, timed_together(threads, shared));
  }
  return best;
}

}  // namespace

std::vector<MemorySpeed> memory_speeds(uint64_t bytes, std::span<const uint32_t> threads) {
  const Region region(bytes, PageKind::huge);
  const std::span<std::byte> memory = region.memory();
  const auto write = [](uint32_t, std::span<std::byte> share) { std::memset(share.data(), 1, share.size()); };
  std::vector<MemorySpeed> speeds;
  for (const uint32_t count : threads) {
    if (count == 0) {
      throw Error(Reason{.code = "bad-option", .operation = "memory speed", .message = "wants one thread or more"});
    }
    if (speeds.empty()) best_ns(count, memory, write);  // the first touch
    std::vector<uint64_t> sums(count);
    const uint64_t read_ns = best_ns(count, memory, [&](uint32_t thread, std::span<std::byte> share) {
      sums[thread] += byte_sum(share);
    });
    volatile uint64_t sink = 0;
    for (const uint64_t sum : sums) sink = sink + sum;
    speeds.push_back({count, memory.size(), read_ns, best_ns(count, memory, write), false});
  }
  const bool huge_pages = region.all_huge();
  for (MemorySpeed& speed : speeds) speed.huge_pages = huge_pages;
  return speeds;
}

}  // namespace weighbridge
