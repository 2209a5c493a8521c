// The content of synthetic tensors, any range of bytes by itself.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "synthesize.h"

namespace weighbridge::gguf {

// Weights of one tensor. Elements of F32 and F16 are sums of eight uniform bytes, scaled (Irwin–Hall, near normal out
// to 4 deviations); blocks of Q8_0 and Q4_0 are uniform integers times a scale of random sign and of 0.75 to 1.25 of
// the size that gives the deviation. The sign keeps the mean at zero though the nibbles' own mean is -1/2.
class SyntheticWeights {
 public:
  // Throws Error bad-option for a type or fill that it does not know.
  SyntheticWeights(const SynthesisTensor& tensor, uint64_t seed);

  // Writes bytes [begin, begin + out.size()) of the tensor's data.
  void write(uint64_t begin, std::span<std::byte> out) const;

 private:
  static constexpr uint32_t kSums = 8 * 255 + 1;

  void write_unit(uint64_t unit, std::byte* out) const;

  TensorType type_;
  uint32_t unit_bytes_;  // a block, or an element
  uint64_t key_;
  std::array<float, kSums> single_;    // element value by the sum of its eight bytes
  std::array<uint16_t, kSums> half_;
  std::array<uint16_t, 256> scale_;    // block scale by one random byte, binary16
};

}  // namespace weighbridge::gguf
