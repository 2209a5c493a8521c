// Products of weight rows with activation columns, one table an instruction set.
//
// However rows are divided, each product is computed by the same operations in the same order: results do not depend on
// the number of threads. Where an instruction set multiplies many columns in another way than few, it goes by the number
// of columns alone.
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

// `depth` rows of `lanes` floats, `stride` floats from one to the next.
struct LaneMatrix {
  const float* data;
  uint64_t stride;
  uint64_t depth;
  uint64_t lanes;
};

// `count` vectors, `stride` floats from one to the next; as long as the matrix that they meet is deep.
struct VectorColumns {
  const float* data;
  uint64_t stride;
  uint64_t count;
};

struct DotTable {
  Isa isa;
  std::span<const DotRow> rows;
  // out[c · out_stride + l] += Σ over k, in order, of matrix[k][l] · columns[c][k]
  void (*accumulate)(const LaneMatrix& matrix, const VectorColumns& columns, float* out, uint64_t out_stride);
  // scores[i] = e^(scale · scores[i]) ÷ the sum of all; scale ≥ 0
  void (*softmax)(float* scores, uint64_t count, float scale);
  // hidden[i] = hidden[i] ÷ (1 + e^−hidden[i]) · up[i]
  void (*gate)(float* hidden, const float* up, uint64_t count);

  // nullptr for a type that is not in weight_types().
  Multiply multiply(gguf::TensorType type) const noexcept;
};

// nullptr where the program was compiled for another kind of processor. Whether the processor at hand can run the
// table is available_isas()'s to say.
const DotTable* dot_table(Isa isa) noexcept;

extern const DotTable scalar_dots;
#if defined(__x86_64__) || defined(WEIGHBRIDGE_SIMDE)
extern const DotTable avx2_dots;
extern const DotTable avxvnni_dots;
extern const DotTable avx512_dots;
extern const DotTable avx512vnni_dots;
// For tables of sets that add nothing for these.
void avx2_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx2_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx2_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx2_accumulate(const LaneMatrix& matrix, const VectorColumns& columns, float* out, uint64_t out_stride);
void avx2_softmax(float* scores, uint64_t count, float scale);
void avx2_gate(float* hidden, const float* up, uint64_t count);
void avx512_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx512_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx512_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride);
void avx512_accumulate(const LaneMatrix& matrix, const VectorColumns& columns, float* out, uint64_t out_stride);
void avx512_softmax(float* scores, uint64_t count, float scale);
void avx512_gate(float* hidden, const float* up, uint64_t count);
#endif
#if defined(__aarch64__)
extern const DotTable neon_dots;
#endif

}  // namespace weighbridge::kernel
