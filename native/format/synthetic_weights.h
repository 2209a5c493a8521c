// The content of synthetic tensors, any range of bytes by itself.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "synthesize.h"
#include "synthetic_blocks.h"

namespace weighbridge::gguf {

// The type of that name ("Q4_0"), of those of which there are synthetic weights; nothing for another name.
std::optional<TensorType> synthetic_type(std::string_view name) noexcept;

// Weights of one tensor. Elements of F32, F16 and BF16 are sums of eight uniform bytes, scaled (Irwin–Hall, near normal
// out to 4 deviations); blocks of the other types are uniform integers (in superblocks times a uniform factor a run) times
// a scale of random sign and of 0.75 to 1.25 of the size that gives the deviation. The sign keeps the mean at zero where
// the integers' own is not: that of nibbles minus 8 is -1/2.
class SyntheticWeights {
 public:
  // Throws Error bad-option for a type or fill that it does not know.
  SyntheticWeights(const SynthesisTensor& tensor, uint64_t seed);

  // Writes bytes [begin, begin + out.size()) of the tensor's data.
  void write(uint64_t begin, std::span<std::byte> out) const;

 private:
  static constexpr uint32_t kSums = 8 * 255 + 1;

  void write_unit(uint64_t unit, std::byte* out) const;
  void write_block(const BlockRecipe& recipe, uint64_t counter, std::byte* out) const;

  TensorType type_;
  const BlockRecipe* recipe_;  // nullptr for elements
  uint32_t unit_bytes_;        // a block, or an element
  uint64_t key_;
  uint64_t stride_;            // random words a unit, or more
  std::array<float, kSums> single_;        // element value by the sum of its eight bytes
  std::array<uint16_t, kSums> short_;      // the same, binary16 or bfloat16
  std::array<uint16_t, 256> scale_;        // block scale by one random byte, binary16
  std::array<uint16_t, 256> minimum_;
};

}  // namespace weighbridge::gguf
