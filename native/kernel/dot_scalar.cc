// The reference form: plain C++, one product at a time.
#include "dot_tile.h"
#include "target.h"

namespace weighbridge::kernel {

namespace {

using Lanes = OneLane;

}  // namespace

#include "vectors.inc"

namespace {

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

float row_bf16(const std::byte* row, const Activations& columns, uint64_t column) {
  const float* values = columns.values + column * columns.elements;
  float sum = 0;
  for (uint64_t i = 0; i < columns.elements; ++i) {
    sum += bfloat_to_float(load<uint16_t>(row + i * sizeof(uint16_t))) * values[i];
  }
  return sum;
}

template <class Block, uint64_t Elements, Unpack UnpackBlock>
float row_blocks(const std::byte* row, const Activations& columns, uint64_t column) {
  const int8_t* quants = columns.quants + column * columns.elements;
  const float* scales = columns.scales + column * (columns.elements / block_elements);
  UnpackedBlock block;
  float sum = 0;
  for (uint64_t first = 0; first < columns.elements; first += Elements, row += sizeof(Block)) {
    UnpackBlock(row, block);
    for (uint64_t run = 0; run < Elements / run_elements; ++run) {
      const uint64_t begin = run * run_elements;
      int32_t products = 0;
      int32_t plain = 0;
      for (uint64_t i = begin; i < begin + run_elements; ++i) {
        products += block.quants[i] * quants[first + i];
        plain += quants[first + i];
      }
      const float weighed = block.scales[run] * static_cast<float>(products);
      const float above = block.minima[run] * static_cast<float>(plain);
      sum += scales[(first + begin) / block_elements] * (weighed - above);
    }
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

template <class Block, uint64_t Elements, Unpack UnpackBlock>
constexpr Multiply multiply_blocks = multiply_tiled<OneByOne<row_blocks<Block, Elements, UnpackBlock>>>;

using enum gguf::TensorType;

constexpr DotRow rows[] = {
    {F32, multiply_tiled<OneByOne<row_f32>>},
    {F16, multiply_tiled<OneByOne<row_f16>>},
    {BF16, multiply_tiled<OneByOne<row_bf16>>},
    {Q8_0, multiply_blocks<BlockQ8_0, block_elements, unpack_q8_0>},
    {Q4_0, multiply_blocks<BlockQ4_0, block_elements, unpack_q4_0>},
    {Q4_1, multiply_blocks<BlockQ4_1, block_elements, unpack_q4_1>},
    {Q5_0, multiply_blocks<BlockQ5_0, block_elements, unpack_q5_0>},
    {Q5_1, multiply_blocks<BlockQ5_1, block_elements, unpack_q5_1>},
    {IQ4_NL, multiply_blocks<BlockIQ4_NL, block_elements, unpack_iq4_nl>},
    {Q2_K, multiply_blocks<BlockQ2_K, superblock_elements, unpack_q2_k>},
    {Q3_K, multiply_blocks<BlockQ3_K, superblock_elements, unpack_q3_k>},
    {Q4_K, multiply_blocks<BlockQ4_K, superblock_elements, unpack_q4_k>},
    {Q5_K, multiply_blocks<BlockQ5_K, superblock_elements, unpack_q5_k>},
    {Q6_K, multiply_blocks<BlockQ6_K, superblock_elements, unpack_q6_k>},
    {IQ4_XS, multiply_blocks<BlockIQ4_XS, superblock_elements, unpack_iq4_xs>},
};

}  // namespace

constinit const DotTable scalar_dots = {Isa::scalar, rows, accumulate, softmax, gate};

}  // namespace weighbridge::kernel
