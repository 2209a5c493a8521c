// How random bytes become blocks of each quantized type whose weights have zero mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "gguf.h"

namespace weighbridge::gguf {

// Layouts of blocks: native/kernel/blocks.h. Every byte of a block but those of its scale, and of its minimum where the
// type has one, is random. Superblocks of 256 have a random factor for each run of weights beside.
struct BlockRecipe {
  TensorType type;
  uint32_t random_begin;  // offset of the random bytes
  uint32_t random_bytes;
  uint32_t scale;         // offset, binary16
  // Of types that store their quants unsigned: offset of the minimum, binary16, and what it is as a multiple of the scale,
  // so that smallest and largest weight are opposites.
  struct Minimum {
    uint32_t offset;
    double of_scale;
  };
  std::optional<Minimum> minimum;
  // Root mean square of the weights of a block whose scale is 1.
  double deviation;
  // Makes of the random bytes what the type wants of them; nullptr where any bytes will do.
  void (*adjust)(std::byte* block) noexcept;
};

std::span<const BlockRecipe> block_recipes() noexcept;

}  // namespace weighbridge::gguf
