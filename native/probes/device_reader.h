// Reads blocks of files with O_DIRECT at the device's pace and forgets them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../loaders/part_file.h"
#include "ceilings.h"
#include "direct_io.h"
#include "region.h"

namespace weighbridge {

// One direct read: offset and bytes are multiples of the file's alignment; bytes may reach past the end of the file.
struct DeviceBlock {
  uint32_t part;
  uint64_t offset;
  uint64_t bytes;
};

// Opens the parts with O_DIRECT and owns the hot buffers, so that several recipes can run over the same memory.
class DeviceReader {
 public:
  // More would be slower memory: a few MiB stay in most caches, and what a device writes there it writes at its pace.
  static constexpr uint64_t buffer_bytes = 16 << 20;

  // Throws Error: direct-io-unsupported, file-changed and what opening says.
  explicit DeviceReader(std::span<const Part> parts);

  // Offsets and lengths that are multiples of it suit every part.
  uint64_t unit() const noexcept;
  // [first tensor byte, last tensor byte] of each part, extended to the file's alignment.
  std::vector<Extent> aligned_extents(std::span<const TensorRange> ranges) const;
  // Cuts the extents into blocks. Throws Error bad-option where the block does not fit the alignment.
  std::vector<DeviceBlock> blocks(std::span<const Extent> extents, uint64_t block_bytes) const;
  // Reads all blocks, `recipe.depth` of them in flight, into hot buffers and forgets them. Throws Error: bad-option where
  // depth × block exceeds the buffers, what Uring says, short-read, io-error.
  CeilingResult read(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe);

  // The same reads, in order, each to its own place: `homes` has a region a part, in which byte extents[part].begin comes
  // first. huge_pages of the result tells of the regions.
  CeilingResult read_home(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe,
                          std::span<const Extent> extents, std::span<const Region> homes);

 private:
  // Where a block goes that is read in flight number `slot`.
  using Destination = std::function<std::byte*(uint32_t slot, const DeviceBlock& block)>;
  CeilingResult measure(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe, const Destination& to);
  uint64_t read_by_ring(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe, const Destination& to);
  uint64_t read_by_threads(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe, const Destination& to);
  // What remains to be read of the block after a read that ended with `result` (bytes or -errno): nothing, or the block
  // from the last whole unit on, since read(2) may be short anywhere; the whole block where that is worth another try
  // (ask_again). Throws where the read failed or the file ended.
  std::optional<DeviceBlock> rest_of(const DeviceBlock& block, int64_t result, uint32_t& in_vain) const;

  struct OpenPart {
    Part part;
    FileDescriptor file;
    uint64_t unit;
    DirectAlignment alignment;
  };
  std::vector<OpenPart> parts_;
  Region buffers_;  // mapped here, touched by read() alone
};

}  // namespace weighbridge
