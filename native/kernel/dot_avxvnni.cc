// AVX-VNNI: the products of AVX-512 VNNI for processors that have 256-bit registers alone.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_X86

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN("avx2,fma,f16c,avxvnni")

namespace {

inline __m256i products(__m256i unsigned_bytes, __m256i signed_bytes) {
  return _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), unsigned_bytes, signed_bytes);
}

}  // namespace

#include "eight_halves_avx2.inc"

#include "dot_x86_blocks.inc"

#include "dot_avx2_tile.inc"
#include "dot_x86_groups.inc"

WEIGHBRIDGE_TARGET_END

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

constinit const DotTable avxvnni_dots = {Isa::avxvnni, rows, avx2_accumulate, avx2_softmax, avx2_gate};

}  // namespace weighbridge::kernel

#endif
