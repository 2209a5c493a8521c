// AVX-512 F, BW, DQ and VL: 16 floats or 64 bytes a register.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_X86

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")

namespace {

inline __m256i products(__m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned_bytes, signed_bytes), _mm256_set1_epi16(1));
}

inline __m512i wide_products(__m512i unsigned_bytes, __m512i signed_bytes) {
  return _mm512_madd_epi16(_mm512_maddubs_epi16(unsigned_bytes, signed_bytes), _mm512_set1_epi16(1));
}

}  // namespace

#include "eight_halves_avx512.inc"

#include "dot_x86_blocks.inc"

#include "dot_avx512_tile.inc"
#include "panel_avx512.inc"

namespace {

struct Lanes {
  using Register = __m512;
  static constexpr uint64_t count = 16;
  static constexpr int together = 4;
  static __m512 load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, __m512 value) { _mm512_storeu_ps(to, value); }
  static __m512 all(float value) { return _mm512_set1_ps(value); }
  static __m512 fused(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
};

}  // namespace

#include "vectors.inc"

#include "dot_x86_groups.inc"
#include "dot_avx512_groups.inc"

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

// Panels of weights taken as 32-bit floats. Element: sixteen(from), some(from, lanes), bytes.
template <class Element>
struct FloatPanel {
  static constexpr uint64_t depth = 128;
  alignas(64) float weights[depth][panel_rows];
  uint64_t elements;  // of `depth`, the last panel of a row may have fewer

  void unpack(const PanelRows& rows, uint64_t first, uint64_t row_elements) {
    elements = std::min(depth, row_elements - first);
    for (int half = 0; half < rows.halves(); ++half) {
      for (uint64_t k = 0; k < elements; k += 16) {
        const uint64_t present = std::min<uint64_t>(elements - k, 16);
        const auto lanes = static_cast<__mmask16>((1u << present) - 1u);
        __m512i m[16];
        WEIGHBRIDGE_UNROLL
        for (int r = 0; r < 16; ++r) {
          const std::byte* from = rows.at[half * 16 + r] + (first + k) * Element::bytes;
          m[r] = _mm512_castps_si512(present == 16 ? Element::sixteen(from) : Element::some(from, lanes));
        }
        transpose(m);
        WEIGHBRIDGE_UNROLL
        for (int i = 0; i < 16; ++i) _mm512_store_si512(&weights[k + i][half * 16], m[i]);
      }
    }
  }
};

template <class Element>
void multiply_in_panels(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  const uint64_t count = columns.elements;
  const uint64_t together = columns_of_panel(count * sizeof(float));
  FloatPanel<Element> panel;
  PanelSums sums;
  for (uint64_t column = 0; column < columns.count; column += together) {
    const uint64_t passing = std::min(together, columns.count - column);
    for (uint64_t row = 0; row < rows.count; row += panel_rows) {
      const PanelRows of(rows, row);
      sums.clear(passing);
      for (uint64_t k = 0; k < count; k += panel.depth) {
        panel.unpack(of, k, count);
        for_column_groups(of.halves(), passing, [&]<class H, class C>(H, C, uint64_t c) {
          add_products<Lanes, H::value, C::value>(panel.weights[0], panel_rows, panel.elements,
                                                  columns.values + (column + c) * count + k, count, sums.at[c],
                                                  panel_rows);
        });
      }
      sums.store(passing, of.count, out + column * out_stride + row, out_stride);
    }
  }
}

struct Q8_0Pair {
  using Single = Q8_0;
  static constexpr bool raised_by_eight = false;
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
  static constexpr bool raised_by_eight = true;
  static __m512i unpack(const std::byte* block) { return unpack_nibbles(block); }
  static __m512i product(__m512i weights, const int8_t* quants, const int32_t*) {
    return wide_products(weights, load_quants(quants));
  }
};

}  // namespace

void avx512_accumulate(const LaneMatrix& matrix, const VectorColumns& columns, float* out, uint64_t out_stride) {
  accumulate(matrix, columns, out, out_stride);
}

void avx512_softmax(float* scores, uint64_t count, float scale) { softmax(scores, count, scale); }

void avx512_gate(float* hidden, const float* up, uint64_t count) { gate(hidden, up, count); }

WEIGHBRIDGE_TARGET_END

namespace {

template <class Element>
void multiply_floats(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  const bool many = columns.count >= panel_least_columns;
  (many ? multiply_in_panels<Element> : multiply_tiled<Floats<Element>>)(rows, columns, out, out_stride);
}

}  // namespace

void avx512_multiply_f32(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_floats<F32>(rows, columns, out, out_stride);
}

void avx512_multiply_f16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_floats<F16>(rows, columns, out, out_stride);
}

void avx512_multiply_bf16(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  multiply_floats<BF16>(rows, columns, out, out_stride);
}

namespace {

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, avx512_multiply_f32},
    {gguf::TensorType::F16, avx512_multiply_f16},
    {gguf::TensorType::BF16, avx512_multiply_bf16},
    {gguf::TensorType::Q8_0, multiply_tiled<Quantized512<Q8_0Pair>>},
    {gguf::TensorType::Q4_0, multiply_tiled<Quantized512<Q4_0Pair>>},
    {gguf::TensorType::Q4_1, multiply_tiled<Grouped512<Q4_1>>},
    {gguf::TensorType::Q5_0, multiply_tiled<Grouped512<Q5_0>>},
    {gguf::TensorType::Q5_1, multiply_tiled<Grouped512<Q5_1>>},
    {gguf::TensorType::IQ4_NL, multiply_tiled<Grouped512<IQ4_NL>>},
    {gguf::TensorType::Q2_K, multiply_tiled<Grouped512<Q2_K>>},
    {gguf::TensorType::Q3_K, multiply_tiled<Grouped512<Q3_K>>},
    {gguf::TensorType::Q4_K, multiply_tiled<Grouped512<Q4_K>>},
    {gguf::TensorType::Q5_K, multiply_tiled<Grouped512<Q5_K>>},
    {gguf::TensorType::Q6_K, multiply_tiled<Grouped512<Q6_K>>},
    {gguf::TensorType::IQ4_XS, multiply_tiled<Grouped512<IQ4_XS>>},
};

}  // namespace

constinit const DotTable avx512_dots = {Isa::avx512, rows, accumulate, softmax, gate};

}  // namespace weighbridge::kernel

#endif
