#include "slow_blocks.h"

#include <algorithm>

namespace weighbridge {

namespace {

constexpr int64_t slow_use_ns = 5'000;
// Of a huge page the first use pays for all others, so that two in a block are all there can be.
constexpr int64_t huge_use_ns = 1'000'000;
constexpr ptrdiff_t huge_uses_wanted = 2;
constexpr size_t telling_uses = 4;
constexpr size_t least_in_a_row = 3;
// One in so many blocks of the model.
constexpr size_t share_in_a_row = 100;

bool is_slow(std::span<const int64_t> use_ns) noexcept {
  const auto slower_than = [&](int64_t limit) {
    return std::ranges::count_if(use_ns, [&](int64_t ns) { return ns > limit; });
  };
  return slower_than(slow_use_ns) * 2 >= std::ssize(use_ns) || slower_than(huge_use_ns) >= huge_uses_wanted;
}

}  // namespace

SlowBlocks::SlowBlocks(size_t blocks) noexcept : wanted_(std::max(least_in_a_row, blocks / share_in_a_row)) {}

bool SlowBlocks::enough_with(std::span<const int64_t> use_ns) noexcept {
  if (use_ns.size() < telling_uses) return false;
  if (!is_slow(use_ns)) {
    in_a_row_ = 0;
    return false;
  }
  return ++in_a_row_ == wanted_;
}

}  // namespace weighbridge
