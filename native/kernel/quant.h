// The types of weights that the kernel computes with, and how activations are prepared for them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "../format/gguf.h"
#include "blocks.h"

namespace weighbridge::kernel {

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
  // One block, of a quantized type; nullptr for floats.
  Unpack unpack;
};

// Every type that the kernel computes with; each instruction set has dot products for all of them.
std::span<const WeightType> weight_types() noexcept;
// nullptr for a type that the kernel does not compute with.
const WeightType* weight_type(gguf::TensorType type) noexcept;

// IEEE 754 binary16, all values.
float half_to_float(uint16_t half) noexcept;

// The upper half of an IEEE 754 binary32.
inline float bfloat_to_float(uint16_t upper) noexcept { return std::bit_cast<float>(uint32_t{upper} << 16); }

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
