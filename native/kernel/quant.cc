#include "quant.h"

#include <bit>
#include <limits>

namespace weighbridge::kernel {

namespace {

void decode_f32(const std::byte* row, uint64_t count, float* out) { std::memcpy(out, row, count * sizeof(float)); }

void decode_f16(const std::byte* row, uint64_t count, float* out) {
  for (uint64_t i = 0; i < count; ++i) out[i] = half_to_float(load<uint16_t>(row + i * sizeof(uint16_t)));
}

void decode_bf16(const std::byte* row, uint64_t count, float* out) {
  for (uint64_t i = 0; i < count; ++i) out[i] = bfloat_to_float(load<uint16_t>(row + i * sizeof(uint16_t)));
}

template <class Block, uint64_t Elements, Unpack UnpackBlock>
void decode_blocks(const std::byte* row, uint64_t count, float* out) {
  UnpackedBlock block;
  for (uint64_t first = 0; first < count; first += Elements, row += sizeof(Block)) {
    UnpackBlock(row, block);
    for (uint64_t i = 0; i < Elements; ++i) {
      const uint64_t run = i / run_elements;
      out[first + i] = block.scales[run] * static_cast<float>(block.quants[i]) - block.minima[run];
    }
  }
}

template <class Block, uint64_t Elements, Unpack UnpackBlock>
constexpr WeightType quantized(gguf::TensorType type) {
  return {type,       ActivationForm::quants, Elements, sizeof(Block), decode_blocks<Block, Elements, UnpackBlock>,
          UnpackBlock};
}

using enum gguf::TensorType;

constexpr WeightType types[] = {
    {F32, ActivationForm::values, 1, 4, decode_f32, nullptr},
    {F16, ActivationForm::values, 1, 2, decode_f16, nullptr},
    {BF16, ActivationForm::values, 1, 2, decode_bf16, nullptr},
    quantized<BlockQ8_0, block_elements, unpack_q8_0>(Q8_0),
    quantized<BlockQ4_0, block_elements, unpack_q4_0>(Q4_0),
    quantized<BlockQ4_1, block_elements, unpack_q4_1>(Q4_1),
    quantized<BlockQ5_0, block_elements, unpack_q5_0>(Q5_0),
    quantized<BlockQ5_1, block_elements, unpack_q5_1>(Q5_1),
    quantized<BlockIQ4_NL, block_elements, unpack_iq4_nl>(IQ4_NL),
    quantized<BlockQ2_K, superblock_elements, unpack_q2_k>(Q2_K),
    quantized<BlockQ3_K, superblock_elements, unpack_q3_k>(Q3_K),
    quantized<BlockQ4_K, superblock_elements, unpack_q4_k>(Q4_K),
    quantized<BlockQ5_K, superblock_elements, unpack_q5_k>(Q5_K),
    quantized<BlockQ6_K, superblock_elements, unpack_q6_k>(Q6_K),
    quantized<BlockIQ4_XS, superblock_elements, unpack_iq4_xs>(IQ4_XS),
};

}  // namespace

std::span<const WeightType> weight_types() noexcept { return types; }

const WeightType* weight_type(gguf::TensorType type) noexcept {
  for (const WeightType& each : types) {
    if (each.type == type) return &each;
  }
  return nullptr;
}

float half_to_float(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31u;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 31 ? 255u : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

void quantize(const float* values, uint64_t count, int8_t* quants, float* scales, int32_t* eight_sums) noexcept {
  constexpr uint32_t infinity = 0x7f800000u;
  // Adding 1.5 · 2^23 leaves the nearest integer in the low mantissa bits; unlike a call to rint it needs no SSE4.1.
  constexpr float magic = 12582912.0f;
  for (uint64_t b = 0; b < count / block_elements; ++b) {
    const float* block = values + b * block_elements;
    // As integers, magnitudes order as the floats do, with every NaN above infinity.
    int32_t largest = 0;
    for (uint64_t i = 0; i < block_elements; ++i) {
      const int32_t magnitude = std::bit_cast<int32_t>(block[i]) & 0x7fffffff;
      largest = magnitude > largest ? magnitude : largest;
    }
    const bool finite = static_cast<uint32_t>(largest) < infinity;
    const float scale = std::bit_cast<float>(largest) / 127.0f;
    // Below the normal range 1 / scale overflows; such activations count as zero.
    const bool usable = finite && scale >= std::numeric_limits<float>::min();
    const float inverse = usable ? 1.0f / scale : 0.0f;
    int32_t sum = 0;
    int8_t* out = quants + b * block_elements;
    if (usable) {
      for (uint64_t i = 0; i < block_elements; ++i) {
        const int32_t quant = std::bit_cast<int32_t>(block[i] * inverse + magic) - std::bit_cast<int32_t>(magic);
        out[i] = static_cast<int8_t>(quant);
        sum += quant;
      }
    } else {
      std::memset(out, 0, block_elements);
    }
    scales[b] = finite ? (usable ? scale : 0.0f) : std::numeric_limits<float>::quiet_NaN();
    eight_sums[b] = 8 * sum;
  }
}

}  // namespace weighbridge::kernel
