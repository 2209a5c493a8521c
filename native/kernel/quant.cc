#include "quant.h"

#include <bit>
#include <limits>

namespace weighbridge::kernel {

namespace {

void decode_f32(const std::byte* row, uint64_t count, float* out) { std::memcpy(out, row, count * sizeof(float)); }

void decode_f16(const std::byte* row, uint64_t count, float* out) {
  for (uint64_t i = 0; i < count; ++i) out[i] = half_to_float(load<uint16_t>(row + i * sizeof(uint16_t)));
}

void decode_q8_0(const std::byte* row, uint64_t count, float* out) {
  for (uint64_t b = 0; b < count / block_elements; ++b) {
    const auto block = load<BlockQ8_0>(row + b * sizeof(BlockQ8_0));
    const float scale = half_to_float(block.scale);
    for (uint64_t i = 0; i < block_elements; ++i) out[b * block_elements + i] = scale * block.quants[i];
  }
}

void decode_q4_0(const std::byte* row, uint64_t count, float* out) {
  for (uint64_t b = 0; b < count / block_elements; ++b) {
    const auto block = load<BlockQ4_0>(row + b * sizeof(BlockQ4_0));
    const float scale = half_to_float(block.scale);
    float* low = out + b * block_elements;
    float* high = low + block_elements / 2;
    for (uint64_t i = 0; i < block_elements / 2; ++i) {
      low[i] = scale * static_cast<float>((block.pairs[i] & 15) - 8);
      high[i] = scale * static_cast<float>((block.pairs[i] >> 4) - 8);
    }
  }
}

constexpr WeightType types[] = {
    {gguf::TensorType::F32, ActivationForm::values, 1, 4, decode_f32},
    {gguf::TensorType::F16, ActivationForm::values, 1, 2, decode_f16},
    {gguf::TensorType::Q8_0, ActivationForm::quants, block_elements, sizeof(BlockQ8_0), decode_q8_0},
    {gguf::TensorType::Q4_0, ActivationForm::quants, block_elements, sizeof(BlockQ4_0), decode_q4_0},
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
