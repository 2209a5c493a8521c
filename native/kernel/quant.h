// How weights lie in a file and how activations are prepared for them.
//
// A quantized row is a run of blocks of 32 elements with one scale `d` each (IEEE half precision, little endian):
//   Q8_0  d, 32 × int8                               w[i] = d · q[i]
//   Q4_0  d, 16 bytes, two elements a byte           w[i] = d · ((byte[i] & 15) − 8), w[16 + i] = d · ((byte[i] >> 4) − 8)
// Source: ggml/src/ggml-common.h of the ggml project. Rows lie one after the other without padding, at any alignment
// that the file's `general.alignment` allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "../format/gguf.h"

namespace weighbridge::kernel {

inline constexpr uint64_t block_elements = 32;

struct BlockQ8_0 {
  uint16_t scale;
  int8_t quants[block_elements];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 2);

struct BlockQ4_0 {
  uint16_t scale;
  uint8_t pairs[block_elements / 2];
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 2);

// What the dot products of a weight type take their other operand as.
enum class ActivationForm {
  values,  // 32-bit floats
  quants,  // 8-bit integers with a float scale for every 32
};

struct WeightType {
  gguf::TensorType type;
  ActivationForm form;
  uint32_t elements;  // a block
  uint32_t bytes;     // a block
  // Writes `count` elements, a multiple of a block's, as floats.
  void (*decode)(const std::byte* row, uint64_t count, float* out);
};

// Every type that the kernel computes with; each instruction set has dot products for all of them.
std::span<const WeightType> weight_types() noexcept;
// nullptr for a type that the kernel does not compute with.
const WeightType* weight_type(gguf::TensorType type) noexcept;

// IEEE 754 binary16, all values.
float half_to_float(uint16_t half) noexcept;

// `count` columns of `elements` activations, one after the other, in one or both forms. `quants` holds elements per
// column, `scales` and `eight_sums` one number per 32 of them; elements is a multiple of 32 where they are used.
struct Activations {
  const float* values = nullptr;
  const int8_t* quants = nullptr;  // −127…127; activation ≈ scale · quant
  const float* scales = nullptr;
  // 8 × the sum of a block's quants: weights stored unsigned subtract a multiple of it.
  const int32_t* eight_sums = nullptr;
  uint64_t elements = 0;
  uint64_t count = 0;
};

// Quantizes `count` floats, a multiple of 32: scale = largest magnitude / 127, rounded to the nearest quant, as
// llama.cpp does. A block that holds an infinity or a NaN gets a NaN scale, so that it is not lost.
void quantize(const float* values, uint64_t count, int8_t* quants, float* scales, int32_t* eight_sums) noexcept;

// Reads a T at any alignment.
template <class T>
inline T load(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace weighbridge::kernel
