// Reads blocks of files with O_DIRECT at the device's pace and forgets them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../loaders/part_file.h"
#include "ceilings.h"

namespace weighbridge {

// One direct read: offset and bytes are multiples of the file's alignment; bytes may reach past the end of the file.
struct DeviceBlock {
  uint32_t part;
  uint64_t offset;
  uint64_t bytes;
};

// A piece of memory in 2 MiB pages where the kernel grants them, touched when it is made.
class HotBuffers {
 public:
  explicit HotBuffers(uint64_t bytes);
  ~HotBuffers();
  HotBuffers(const HotBuffers&) = delete;
  HotBuffers& operator=(const HotBuffers&) = delete;
  void touch() noexcept;
  std::span<std::byte> memory() const noexcept { return {data_, bytes_}; }
  // Read back from the kernel: all of it lies in 2 MiB pages.
  bool in_huge_pages() const;

 private:
  std::byte* reserved_ = nullptr;
  uint64_t reserved_bytes_ = 0;
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

// Opens the parts with O_DIRECT and owns the buffers, so that several recipes can run over the same hot memory.
class DeviceReader {
 public:
  static constexpr uint64_t buffer_bytes = 16 << 20;

  // Throws Error: direct-io-unsupported, file-changed and what opening says.
  explicit DeviceReader(std::span<const Part> parts);

  // Offsets and lengths that are multiples of it suit every part.
  uint64_t unit() const noexcept;
  // [first tensor byte, last tensor byte] of each part, extended to the file's alignment.
  std::vector<Extent> aligned_extents(std::span<const TensorRange> ranges) const;
  // Cuts the extents into blocks. Throws Error bad-option where the block does not fit the alignment.
  std::vector<DeviceBlock> blocks(std::span<const Extent> extents, uint64_t block_bytes) const;
  // Reads all blocks, `recipe.depth` of them in flight. Throws Error: bad-option where depth × block exceeds the
  // buffers, what Uring says, short-read, io-error.
  CeilingResult read(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe);

 private:
  uint64_t read_by_ring(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe);
  uint64_t read_by_threads(std::span<const DeviceBlock> blocks, const DeviceRecipe& recipe);
  // What remains to be read of the block after a read that ended with `result` (bytes or -errno): nothing, or the block
  // from the last whole unit on, since read(2) may be short anywhere. Throws where the read failed or the file ended.
  std::optional<DeviceBlock> rest_of(const DeviceBlock& block, int64_t result) const;

  struct OpenPart {
    Part part;
    FileDescriptor file;
    uint64_t unit;
  };
  std::vector<OpenPart> parts_;
  HotBuffers buffers_;
};

}  // namespace weighbridge
