#include "blocks.h"

#include <algorithm>

namespace weighbridge {

namespace {

constexpr uint32_t no_block = UINT32_MAX;

}  // namespace

Blocks::Blocks(std::span<const Part> parts, std::span<const TensorRange> in_forward_order, uint64_t block_bytes,
               uint64_t unit)
    : block_bytes_(block_bytes) {
  if (block_bytes == 0 || block_bytes % unit != 0) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "options",
                       .message = "a block must be a multiple of " + std::to_string(unit) + " bytes"});
  }
  const std::vector<Extent> extents = tensor_extents(parts, in_forward_order);
  for (const Extent& extent : extents) {
    const uint64_t first = extent.begin / block_bytes;
    const uint64_t cells = extent.bytes() == 0 ? 0 : (extent.end - 1) / block_bytes - first + 1;
    grids_.push_back({first, std::vector<uint32_t>(cells, no_block)});
  }
  for (const TensorRange& range : in_forward_order) {
    if (range.bytes == 0) continue;
    PartGrid& grid = grids_[range.part];
    const Extent& extent = extents[range.part];
    const uint64_t last = (range.offset + range.bytes - 1) / block_bytes;
    for (uint64_t cell = range.offset / block_bytes; cell <= last; ++cell) {
      uint32_t& place = grid.places[cell - grid.first];
      if (place != no_block) continue;
      place = static_cast<uint32_t>(blocks_.size());
      const uint64_t begin = std::max(cell * block_bytes, round_down(extent.begin, unit));
      const uint64_t end = std::min((cell + 1) * block_bytes, extent.end);
      blocks_.push_back({range.part, begin, end - begin});
      bytes_ += end - begin;
    }
  }
}

}  // namespace weighbridge
