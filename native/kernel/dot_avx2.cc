// AVX2 with FMA and F16C: 8 floats or 32 bytes a register.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_X86

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN("avx2,fma,f16c")

namespace {

inline __m256i products(__m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned_bytes, signed_bytes), _mm256_set1_epi16(1));
}

}  // namespace

#include "eight_halves_avx2.inc"

#include "dot_x86_blocks.inc"

#include "dot_avx2_tile.inc"
#include "dot_x86_groups.inc"

namespace {

struct Lanes {
  using Register = __m256;
  static constexpr uint64_t count = 8;
  static constexpr int together = 2;
  static __m256 load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, __m256 value) { _mm256_storeu_ps(to, value); }
  static __m256 all(float value) { return _mm256_set1_ps(value); }
  static __m256 fused(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
};

}  // namespace

#include "vectors.inc"

namespace {

struct F32 {
  static constexpr uint64_t bytes = 4;
  static __m256 eight(const std::byte* from) { return _mm256_loadu_ps(reinterpret_cast<const float*>(from)); }
  static float one(const std::byte* from) { return load<float>(from); }
};

struct F16 {
  static constexpr uint64_t bytes = 2;
  static __m256 eight(const std::byte* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static float one(const std::byte* from) { return half_to_float(load<uint16_t>(from)); }
};

struct BF16 {
  static constexpr uint64_t bytes = 2;
  static __m256 eight(const std::byte* from) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static float one(const std::byte* from) { return bfloat_to_float(load<uint16_t>(from)); }
};

template <class Element>
struct Floats {
  template <int C>
  static void tile(const std::byte* row, const Activations& columns, uint64_t column, float* out, uint64_t out_stride) {
    const uint64_t count = columns.elements;
    const float* values = columns.values + column * count;
    __m256 even[C], odd[C];
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) even[c] = odd[c] = _mm256_setzero_ps();
    uint64_t i = 0;
    for (; i + 16 <= count; i += 16) {
      const std::byte* from = row + i * Element::bytes;
      if constexpr (C == 1) _mm_prefetch(reinterpret_cast<const char*>(from + prefetch_distance), _MM_HINT_T0);
      const __m256 first = Element::eight(from);
      const __m256 second = Element::eight(from + 8 * Element::bytes);
      WEIGHBRIDGE_UNROLL
      for (int c = 0; c < C; ++c) {
        even[c] = _mm256_fmadd_ps(first, load_eight(values + c * count + i), even[c]);
        odd[c] = _mm256_fmadd_ps(second, load_eight(values + c * count + i + 8), odd[c]);
      }
    }
    for (int c = 0; c < C; ++c) {
      float sum = sum_of(_mm256_add_ps(even[c], odd[c]));
      for (uint64_t k = i; k < count; ++k) {
        sum += Element::one(row + k * Element::bytes) * values[c * count + k];
      }
      out[c * out_stride] = sum;
    }
  }
};

}  // namespace

void avx2_accumulate(const LaneMatrix& matrix, const VectorColumns& columns, float* out, uint64_t out_stride) {
  accumulate(matrix, columns, out, out_stride);
}

void avx2_softmax(float* scores, uint64_t count, float scale) { softmax(scores, count, scale); }

void avx2_gate(float* hidden, const float* up, uint64_t count) { gate(hidden, up, count); }

WEIGHBRIDGE_TARGET_END

void avx2_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<F32>>(rows, columns, out, out_stride);
}

void avx2_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<F16>>(rows, columns, out, out_stride);
}

void avx2_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<BF16>>(rows, columns, out, out_stride);
}

namespace {

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, avx2_multiply_f32},
    {gguf::TensorType::F16, avx2_multiply_f16},
    {gguf::TensorType::BF16, avx2_multiply_bf16},
    {gguf::TensorType::Q8_0, multiply_tiled<Quantized<Q8_0>>},
    {gguf::TensorType::Q4_0, multiply_tiled<Quantized<Q4_0>>},
    {gguf::TensorType::Q4_1, multiply_tiled<Grouped<Q4_1>>},
    {gguf::TensorType::Q5_0, multiply_tiled<Grouped<Q5_0>>},
    {gguf::TensorType::Q5_1, multiply_tiled<Grouped<Q5_1>>},
    {gguf::TensorType::IQ4_NL, multiply_tiled<Grouped<IQ4_NL>>},
    {gguf::TensorType::Q2_K, multiply_tiled<Grouped<Q2_K>>},
    {gguf::TensorType::Q3_K, multiply_tiled<Grouped<Q3_K>>},
    {gguf::TensorType::Q4_K, multiply_tiled<Grouped<Q4_K>>},
    {gguf::TensorType::Q5_K, multiply_tiled<Grouped<Q5_K>>},
    {gguf::TensorType::Q6_K, multiply_tiled<Grouped<Q6_K>>},
    {gguf::TensorType::IQ4_XS, multiply_tiled<Grouped<IQ4_XS>>},
};

}  // namespace

constinit const DotTable avx2_dots = {Isa::avx2, rows, avx2_accumulate, avx2_softmax, avx2_gate};

}  // namespace weighbridge::kernel

#endif
