// Whether blocks that a device filled lie in memory that was given back to a host.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weighbridge {

// Told by what the first uses of their bytes cost, in processor time: below 1 µs each with the clock's where memory is
// backed; where a host must find it, 7 µs and more, or 5 ms where it finds a huge page at once (measured under Firecracker).
// Something else that takes the processor makes some uses slow, and patches that were given back some blocks: a block
// counts where half of its uses are slow, and the longer the model, the more blocks must count in a row. A turn too late
// costs a few milliseconds a block, a wrong one a fifth of the load.
class SlowBlocks {
 public:
  // Of so many blocks of the whole model.
  explicit SlowBlocks(size_t blocks) noexcept;

  // Nanoseconds of each first use within one block. From any thread. True for the block with which there are enough, once
  // a row. Fewer uses than four tell nothing and are passed over.
  bool enough_with(std::span<const int64_t> use_ns) noexcept;

 private:
  const size_t wanted_;
  std::atomic<size_t> in_a_row_ = 0;
};

}  // namespace weighbridge
