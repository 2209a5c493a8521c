// The reference form: plain C++, one product at a time.
#include "dot_tile.h"

namespace weighbridge::kernel {

namespace {

float dot_f32(const float* a, const float* b, uint64_t count) {
  float sums[4] = {};
  uint64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (uint64_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

float row_f32(const std::byte* row, const Activations& columns, uint64_t column) {
  const float* values = columns.values + column * columns.elements;
  float sum = 0;
  for (uint64_t i = 0; i < columns.elements; ++i) sum += load<float>(row + i * sizeof(float)) * values[i];
  return sum;
}

float row_f16(const std::byte* row, const Activations& columns, uint64_t column) {
  const float* values = columns.values + column * columns.elements;
  float sum = 0;
  for (uint64_t i = 0; i < columns.elements; ++i) {
    sum += half_to_float(load<uint16_t>(row + i * sizeof(uint16_t))) * values[i];
  }
  return sum;
}

float row_q8_0(const std::byte* row, const Activations& columns, uint64_t column) {
  const uint64_t blocks = columns.elements / block_elements;
  const int8_t* quants = columns.quants + column * columns.elements;
  float sum = 0;
  for (uint64_t b = 0; b < blocks; ++b, quants += block_elements) {
    const auto block = load<BlockQ8_0>(row + b * sizeof(BlockQ8_0));
    int32_t products = 0;
    for (uint64_t i = 0; i < block_elements; ++i) products += block.quants[i] * quants[i];
    sum += half_to_float(block.scale) * columns.scales[column * blocks + b] * static_cast<float>(products);
  }
  return sum;
}

float row_q4_0(const std::byte* row, const Activations& columns, uint64_t column) {
  const uint64_t blocks = columns.elements / block_elements;
  const int8_t* quants = columns.quants + column * columns.elements;
  float sum = 0;
  for (uint64_t b = 0; b < blocks; ++b, quants += block_elements) {
    const auto block = load<BlockQ4_0>(row + b * sizeof(BlockQ4_0));
    int32_t products = 0;
    for (uint64_t i = 0; i < block_elements / 2; ++i) {
      products += ((block.pairs[i] & 15) - 8) * quants[i];
      products += ((block.pairs[i] >> 4) - 8) * quants[block_elements / 2 + i];
    }
    sum += half_to_float(block.scale) * columns.scales[column * blocks + b] * static_cast<float>(products);
  }
  return sum;
}

template <float (*Row)(const std::byte*, const Activations&, uint64_t)>
struct OneByOne {
  template <int C>
  static void tile(const std::byte* row, const Activations& columns, uint64_t column, float* out, uint64_t out_stride) {
    for (int c = 0; c < C; ++c) out[c * out_stride] = Row(row, columns, column + c);
  }
};

void add_scaled(float* out, const float* values, float factor, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) out[i] += factor * values[i];
}

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, multiply_tiled<OneByOne<row_f32>>},
    {gguf::TensorType::F16, multiply_tiled<OneByOne<row_f16>>},
    {gguf::TensorType::Q8_0, multiply_tiled<OneByOne<row_q8_0>>},
    {gguf::TensorType::Q4_0, multiply_tiled<OneByOne<row_q4_0>>},
};

}  // namespace

constinit const DotTable scalar_dots = {Isa::scalar, rows, dot_f32, add_scaled};

}  // namespace weighbridge::kernel
