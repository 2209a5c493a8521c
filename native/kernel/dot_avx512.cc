// AVX-512 F, BW, DQ and VL: 16 floats or 64 bytes a register.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_X86

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")

#include "dot_x86_blocks.inc"

#include "dot_avx512_tile.inc"

namespace {

inline __m256i products(__m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned_bytes, signed_bytes), _mm256_set1_epi16(1));
}

}  // namespace

#include "dot_x86_groups.inc"

namespace {

// The first `lanes` of sixteen.
inline __mmask16 first_lanes(uint64_t lanes) { return static_cast<__mmask16>((1u << lanes) - 1u); }

struct F32 {
  static constexpr uint64_t bytes = 4;
  static __m512 sixteen(const std::byte* from) { return _mm512_loadu_ps(from); }
  static __m512 some(const std::byte* from, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, from); }
};

struct F16 {
  static constexpr uint64_t bytes = 2;
  static __m512 sixteen(const std::byte* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static __m512 some(const std::byte* from, __mmask16 lanes) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, from));
  }
};

struct BF16 {
  static constexpr uint64_t bytes = 2;
  static __m512 widened(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  static __m512 sixteen(const std::byte* from) {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static __m512 some(const std::byte* from, __mmask16 lanes) {
    return widened(_mm256_maskz_loadu_epi16(lanes, from));
  }
};

template <class Element>
struct Floats {
  template <int C>
  static void tile(const std::byte* row, const Activations& columns, uint64_t column, float* out, uint64_t out_stride) {
    const uint64_t count = columns.elements;
    const float* values = columns.values + column * count;
    __m512 even[C], odd[C];
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) even[c] = odd[c] = _mm512_setzero_ps();
    uint64_t i = 0;
    for (; i + 32 <= count; i += 32) {
      const std::byte* from = row + i * Element::bytes;
      if constexpr (C == 1) _mm_prefetch(reinterpret_cast<const char*>(from + prefetch_distance), _MM_HINT_T0);
      const __m512 first = Element::sixteen(from);
      const __m512 second = Element::sixteen(from + 16 * Element::bytes);
      WEIGHBRIDGE_UNROLL
      for (int c = 0; c < C; ++c) {
        even[c] = _mm512_fmadd_ps(first, _mm512_loadu_ps(values + c * count + i), even[c]);
        odd[c] = _mm512_fmadd_ps(second, _mm512_loadu_ps(values + c * count + i + 16), odd[c]);
      }
    }
    for (; i < count; i += 16) {
      const __mmask16 lanes = first_lanes(std::min<uint64_t>(count - i, 16));
      const __m512 some = Element::some(row + i * Element::bytes, lanes);
      for (int c = 0; c < C; ++c) {
        even[c] = _mm512_fmadd_ps(some, _mm512_maskz_loadu_ps(lanes, values + c * count + i), even[c]);
      }
    }
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) out[c * out_stride] = _mm512_reduce_add_ps(_mm512_add_ps(even[c], odd[c]));
  }
};

struct Q8_0Pair {
  using Single = Q8_0;
  static __m512i unpack(const std::byte* block) { return unpack_bytes(block); }
  static __m512i product(__m512i weights, const int8_t* quants, const int32_t*) {
    const __m512i loaded = load_quants(quants);
    const __m512i signed_quants =
        _mm512_mask_sub_epi8(loaded, _mm512_movepi8_mask(weights), _mm512_setzero_si512(), loaded);
    return _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_abs_epi8(weights), signed_quants), _mm512_set1_epi16(1));
  }
};

struct Q4_0Pair {
  using Single = Q4_0;
  static __m512i unpack(const std::byte* block) { return unpack_nibbles(block); }
  static __m512i product(__m512i weights, const int8_t* quants, const int32_t* eight_sums) {
    const __m512i sums = _mm512_madd_epi16(_mm512_maddubs_epi16(weights, load_quants(quants)), _mm512_set1_epi16(1));
    return _mm512_sub_epi32(sums, spread_sums(eight_sums));
  }
};

}  // namespace

float avx512_dot(const float* a, const float* b, uint64_t count) {
  const Activations column = {.values = b, .elements = count, .count = 1};
  float result = 0;
  Floats<F32>::tile<1>(reinterpret_cast<const std::byte*>(a), column, 0, &result, 0);
  return result;
}

void avx512_add_scaled(float* out, const float* values, float factor, uint64_t count) {
  const __m512 factors = _mm512_set1_ps(factor);
  for (uint64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = first_lanes(std::min<uint64_t>(count - i, 16));
    _mm512_mask_storeu_ps(out + i, lanes,
                          _mm512_fmadd_ps(factors, _mm512_maskz_loadu_ps(lanes, values + i),
                                          _mm512_maskz_loadu_ps(lanes, out + i)));
  }
}

WEIGHBRIDGE_TARGET_END

void avx512_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<F32>>(rows, columns, out, out_stride);
}

void avx512_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<F16>>(rows, columns, out, out_stride);
}

void avx512_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_tiled<Floats<BF16>>(rows, columns, out, out_stride);
}

namespace {

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, avx512_multiply_f32},
    {gguf::TensorType::F16, avx512_multiply_f16},
    {gguf::TensorType::BF16, avx512_multiply_bf16},
    {gguf::TensorType::Q8_0, multiply_tiled<Quantized512<Q8_0Pair>>},
    {gguf::TensorType::Q4_0, multiply_tiled<Quantized512<Q4_0Pair>>},
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

constinit const DotTable avx512_dots = {Isa::avx512, rows, avx512_dot, avx512_add_scaled};

}  // namespace weighbridge::kernel

#endif
