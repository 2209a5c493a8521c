// The tensor bytes of a model cut into blocks, in the order in which the forward pass needs them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loader.h"
#include "part_file.h"

namespace weighbridge {

struct Block {
  uint32_t part;
  uint64_t offset;  // from the start of the part's file
  uint64_t bytes;
};

class Blocks {
 public:
  // Blocks begin at multiples of `block_bytes` in the file, so that no two share a page; the first one of a part begins
  // at its first tensor byte rounded down to `unit`, the last one ends with its last tensor byte. Blocks without a
  // tensor byte are left out. Both sizes: `unit` a power of two of at least a page, `block_bytes` a multiple of it.
  // Throws Error codes bad-option and malformed.
  Blocks(std::span<const Part> parts, std::span<const TensorRange> in_forward_order, uint64_t block_bytes,
         uint64_t unit = page_size());

  // In order of need: block 0 is the first that the forward pass waits for.
  std::span<const Block> in_order() const noexcept { return blocks_; }
  size_t size() const noexcept { return blocks_.size(); }
  uint64_t bytes() const noexcept { return bytes_; }

  // Calls visit(index) for every block that holds a byte of the range. The range lies within the tensors given above.
  template <class Visit>
  void visit(const TensorRange& range, Visit&& visit) const {
    if (range.bytes == 0) return;
    const PartGrid& grid = grids_[range.part];
    const uint64_t last = (range.offset + range.bytes - 1) / block_bytes_ - grid.first;
    for (uint64_t cell = range.offset / block_bytes_ - grid.first; cell <= last; ++cell) visit(grid.places[cell]);
  }

 private:
  struct PartGrid {
    uint64_t first;                // grid number (offset ÷ block_bytes) of places[0]
    std::vector<uint32_t> places;  // index into blocks_ by grid number, no_block where there is none
  };
  uint64_t block_bytes_;
  uint64_t bytes_ = 0;
  std::vector<Block> blocks_;
  std::vector<PartGrid> grids_;
};

}  // namespace weighbridge
