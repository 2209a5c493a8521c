// Products of weight rows with activation columns, one table an instruction set.
//
// Whatever the number of columns, and however rows and columns are grouped, each product is computed by the same
// operations in the same order: results do not depend on how work is divided among threads or batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "llama.h"
#include "quant.h"

namespace weighbridge::kernel {

struct WeightRows {
  const std::byte* data;
  uint64_t count;
  uint64_t bytes;  // of one row
};

// out[c · out_stride + r] = row r · column c, for every row and column.
using Multiply = void (*)(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);

struct DotRow {
  gguf::TensorType type;
  Multiply multiply;
};

struct DotTable {
  Isa isa;
  std::span<const DotRow> rows;
  // Σ a[i] · b[i]
  float (*dot)(const float* a, const float* b, uint64_t count);
  // out[i] += factor · values[i]
  void (*add_scaled)(float* out, const float* values, float factor, uint64_t count);

  // nullptr for a type that is not in weight_types().
  Multiply multiply(gguf::TensorType type) const noexcept;
};

// nullptr where the program was compiled for another kind of processor. Whether the processor at hand can run the
// table is available_isas()'s to say.
const DotTable* dot_table(Isa isa) noexcept;

extern const DotTable scalar_dots;
#if defined(__x86_64__) || defined(WEIGHBRIDGE_SIMDE)
extern const DotTable avx2_dots;
extern const DotTable avx512_dots;
extern const DotTable avx512vnni_dots;
// For tables of sets that add nothing for these types.
void avx512_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx512_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx512_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
float avx512_dot(const float* a, const float* b, uint64_t count);
void avx512_add_scaled(float* out, const float* values, float factor, uint64_t count);
#endif
#if defined(__aarch64__)
extern const DotTable neon_dots;
#endif

}  // namespace weighbridge::kernel
