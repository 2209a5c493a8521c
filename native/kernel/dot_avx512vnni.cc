// AVX-512 with VNNI: one instruction multiplies unsigned by signed bytes and sums four products into 32 bits.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_X86

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")

namespace {

inline __m256i products(__m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_dpbusd_epi32(_mm256_setzero_si256(), unsigned_bytes, signed_bytes);
}

inline __m512i wide_products(__m512i unsigned_bytes, __m512i signed_bytes) {
  return _mm512_dpbusd_epi32(_mm512_setzero_si512(), unsigned_bytes, signed_bytes);
}

}  // namespace

#include "eight_halves_avx512.inc"

#include "dot_x86_blocks.inc"

#include "dot_avx512_tile.inc"
#include "panel_avx512.inc"

#include "dot_x86_groups.inc"
#include "dot_avx512_groups.inc"
#include "panel_avx512vnni.inc"

namespace {

struct Q8_0Pair {
  using Single = Q8_0;
  static constexpr bool raised_by_eight = false;
  // Weights stand 128 above their value, which makes them unsigned.
  static __m512i unpack(const std::byte* block) {
    return _mm512_xor_si512(unpack_bytes(block), _mm512_set1_epi8(static_cast<char>(0x80)));
  }
  static __m512i product(__m512i weights, const int8_t* quants, const int32_t* eight_sums) {
    const __m512i above = _mm512_slli_epi32(spread_sums(eight_sums), 4);
    return _mm512_sub_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), weights, load_quants(quants)), above);
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

WEIGHBRIDGE_TARGET_END

namespace {

// Few columns are multiplied by tiles, many in panels.
template <class Tile, class Type>
void multiply(const WeightRows& rows, const Activations& columns, float* out, uint64_t out_stride) {
  const bool many = columns.count >= panel_least_columns;
  (many ? multiply_in_quant_panels<Type> : multiply_tiled<Tile>)(rows, columns, out, out_stride);
}

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, avx512_multiply_f32},
    {gguf::TensorType::F16, avx512_multiply_f16},
    {gguf::TensorType::BF16, avx512_multiply_bf16},
    {gguf::TensorType::Q8_0, multiply<Quantized512<Q8_0Pair>, Q8_0Group>},
    {gguf::TensorType::Q4_0, multiply<Quantized512<Q4_0Pair>, Q4_0Group>},
    {gguf::TensorType::Q4_1, multiply<Grouped512<Q4_1>, Q4_1>},
    {gguf::TensorType::Q5_0, multiply<Grouped512<Q5_0>, Q5_0>},
    {gguf::TensorType::Q5_1, multiply<Grouped512<Q5_1>, Q5_1>},
    {gguf::TensorType::IQ4_NL, multiply<Grouped512<IQ4_NL>, IQ4_NL>},
    {gguf::TensorType::Q2_K, multiply<Grouped512<Q2_K>, Q2_K>},
    {gguf::TensorType::Q3_K, multiply<Grouped512<Q3_K>, Q3_K>},
    {gguf::TensorType::Q4_K, multiply<Grouped512<Q4_K>, Q4_K>},
    {gguf::TensorType::Q5_K, multiply<Grouped512<Q5_K>, Q5_K>},
    {gguf::TensorType::Q6_K, multiply<Grouped512<Q6_K>, Q6_K>},
    {gguf::TensorType::IQ4_XS, multiply<Grouped512<IQ4_XS>, IQ4_XS>},
};

}  // namespace

constinit const DotTable avx512vnni_dots = {Isa::avx512vnni, rows, avx512_accumulate, avx512_softmax,
                                               avx512_gate};

}  // namespace weighbridge::kernel

#endif
