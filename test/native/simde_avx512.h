// Portable AVX-512 intrinsics for processors without them: SIMDe, and those that its release 0.7.4 lacks.
#pragma once

#include <cstdint>
#include <cstring>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
// SIMDe's own files do not all include what they use.
#include <simde/x86/avx512/setzero.h>
#include <simde/x86/avx512/setone.h>

#include <simde/x86/avx512/abs.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/and.h>
#include <simde/x86/avx512/broadcast.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/fmadd.h>
#include <simde/x86/avx512/insert.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/mov_mask.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/or.h>
#include <simde/x86/avx512/permutex2var.h>
#include <simde/x86/avx512/fnmadd.h>
#include <simde/x86/avx512/set.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/srli.h>
#include <simde/x86/avx512/srlv.h>
#include <simde/x86/avx512/sub.h>
#include <simde/x86/avx512/xor.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

using __mmask8 = simde__mmask8;
using __mmask16 = simde__mmask16;

#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32

#undef _mm512_loadu_ps
#undef _mm512_madd_epi16
#undef _mm512_loadu_si512
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm256_maskz_loadu_epi16
#undef _mm512_cvtph_ps
#undef _mm512_cvtepi32_ps
#undef _mm512_reduce_add_ps
#undef _mm512_maskz_permutexvar_epi32
#undef _mm512_permutexvar_ps
#undef _mm512_castsi128_si512
#undef _mm_prefetch
#undef _mm512_load_ps
#undef _mm512_load_si512
#undef _mm512_store_ps
#undef _mm512_storeu_ps
#undef _mm512_store_si512
#undef _mm512_unpacklo_epi32
#undef _mm512_unpackhi_epi32
#undef _mm512_unpacklo_epi64
#undef _mm512_unpackhi_epi64
#undef _mm512_shuffle_i32x4
#undef _mm512_shuffle_epi32
#undef _mm512_maskz_compress_epi32
#undef _mm512_castsi512_si128
#undef _mm512_insertf32x8
#undef _mm256_maskz_loadu_epi32
#undef _mm256_maskz_loadu_ps
#undef _MM_PERM_CDAB
#undef _MM_PERM_BADC

#ifndef _MM_HINT_T0
#define _MM_HINT_T0 3
#endif

namespace simde_shim {

template <class T>
T read(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class To, class From>
To as(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  return read<To>(&from);
}

struct Floats {
  float lane[16];
};
struct Integers {
  int32_t lane[16];
};

}  // namespace simde_shim

inline __m512 _mm512_loadu_ps(const void* from) { return simde_shim::read<__m512>(from); }
inline __m512i _mm512_loadu_si512(const void* from) { return simde_shim::read<__m512i>(from); }

inline __m512 _mm512_load_ps(const void* from) { return simde_shim::read<__m512>(from); }
inline __m512i _mm512_load_si512(const void* from) { return simde_shim::read<__m512i>(from); }
inline void _mm512_storeu_ps(void* to, __m512 values) { std::memcpy(to, &values, sizeof values); }
inline void _mm512_store_ps(void* to, __m512 values) { std::memcpy(to, &values, sizeof values); }
inline void _mm512_store_si512(void* to, __m512i values) { std::memcpy(to, &values, sizeof values); }

inline __m512 _mm512_maskz_loadu_ps(__mmask16 lanes, const void* from) {
  simde_shim::Floats result = {};
  for (int i = 0; i < 16; ++i) {
    if (lanes >> i & 1) result.lane[i] = simde_shim::read<float>(static_cast<const char*>(from) + 4 * i);
  }
  return simde_shim::as<__m512>(result);
}

inline void _mm512_mask_storeu_ps(void* to, __mmask16 lanes, __m512 values) {
  const auto from = simde_shim::as<simde_shim::Floats>(values);
  for (int i = 0; i < 16; ++i) {
    if (lanes >> i & 1) std::memcpy(static_cast<char*>(to) + 4 * i, &from.lane[i], 4);
  }
}

inline __m256i _mm256_maskz_loadu_epi16(__mmask16 lanes, const void* from) {
  int16_t result[16] = {};
  for (int i = 0; i < 16; ++i) {
    if (lanes >> i & 1) result[i] = simde_shim::read<int16_t>(static_cast<const char*>(from) + 2 * i);
  }
  return simde_shim::read<__m256i>(result);
}

inline __m512 _mm512_cvtph_ps(__m256i halves) {
  struct {
    __m256 low, high;
  } result = {simde_mm256_cvtph_ps(simde_mm256_castsi256_si128(halves)),
              simde_mm256_cvtph_ps(simde_mm256_extracti128_si256(halves, 1))};
  return simde_shim::as<__m512>(result);
}

inline __m512 _mm512_cvtepi32_ps(__m512i values) {
  const auto from = simde_shim::as<simde_shim::Integers>(values);
  simde_shim::Floats result;
  for (int i = 0; i < 16; ++i) result.lane[i] = static_cast<float>(from.lane[i]);
  return simde_shim::as<__m512>(result);
}

inline __m512i _mm512_madd_epi16(__m512i a, __m512i b) { return simde_mm512_madd_epi16(a, b); }

inline float _mm512_reduce_add_ps(__m512 values) {
  auto from = simde_shim::as<simde_shim::Floats>(values);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) from.lane[i] += from.lane[i + width];
  }
  return from.lane[0];
}

inline __m512 _mm512_permutexvar_ps(__m512i lanes, __m512 values) {
  const auto index = simde_shim::as<simde_shim::Integers>(lanes);
  const auto from = simde_shim::as<simde_shim::Floats>(values);
  simde_shim::Floats result;
  for (int i = 0; i < 16; ++i) result.lane[i] = from.lane[index.lane[i] & 15];
  return simde_shim::as<__m512>(result);
}

inline __m512i _mm512_maskz_permutexvar_epi32(__mmask16 mask, __m512i lanes, __m512i values) {
  const auto index = simde_shim::as<simde_shim::Integers>(lanes);
  const auto from = simde_shim::as<simde_shim::Integers>(values);
  simde_shim::Integers result = {};
  for (int i = 0; i < 16; ++i) {
    if (mask >> i & 1) result.lane[i] = from.lane[index.lane[i] & 15];
  }
  return simde_shim::as<__m512i>(result);
}

// Newer headers than Debian's have it.
inline __m512i widened_epu16(__m256i halves) {
  uint16_t from[16];
  std::memcpy(from, &halves, sizeof from);
  simde_shim::Integers result;
  for (int i = 0; i < 16; ++i) result.lane[i] = from[i];
  return simde_shim::as<__m512i>(result);
}
#define _mm512_cvtepu16_epi32 widened_epu16

// The upper lanes are undefined on the processor: here they hold what would spoil a result that used them.
inline __m512i _mm512_castsi128_si512(__m128i low) {
  simde_shim::Integers result;
  for (int32_t& lane : result.lane) lane = 0x7fc00001;
  std::memcpy(&result, &low, sizeof low);
  return simde_shim::as<__m512i>(result);
}

// Lanes of each quarter, by where they come from: 0…3 of a, 4…7 of b.
inline __m512i in_quarters(__m512i a, __m512i b, const int (&lanes)[4]) {
  const auto first = simde_shim::as<simde_shim::Integers>(a), second = simde_shim::as<simde_shim::Integers>(b);
  simde_shim::Integers result;
  for (int i = 0; i < 16; ++i) {
    const int lane = lanes[i % 4];
    result.lane[i] = (lane < 4 ? first : second).lane[i / 4 * 4 + lane % 4];
  }
  return simde_shim::as<__m512i>(result);
}

inline __m512i _mm512_unpacklo_epi32(__m512i a, __m512i b) { return in_quarters(a, b, {0, 4, 1, 5}); }
inline __m512i _mm512_unpackhi_epi32(__m512i a, __m512i b) { return in_quarters(a, b, {2, 6, 3, 7}); }
inline __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b) { return in_quarters(a, b, {0, 1, 4, 5}); }
inline __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b) { return in_quarters(a, b, {2, 3, 6, 7}); }

constexpr int _MM_PERM_CDAB = 0xb1, _MM_PERM_BADC = 0x4e;
inline __m512i _mm512_shuffle_epi32(__m512i a, int from) {
  return in_quarters(a, a, {from & 3, from >> 2 & 3, from >> 4 & 3, from >> 6 & 3});
}

inline __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, int from) {
  const auto first = simde_shim::as<simde_shim::Integers>(a), second = simde_shim::as<simde_shim::Integers>(b);
  simde_shim::Integers result;
  for (int i = 0; i < 16; ++i) {
    result.lane[i] = (i < 8 ? first : second).lane[(from >> (i / 4 * 2) & 3) * 4 + i % 4];
  }
  return simde_shim::as<__m512i>(result);
}

inline __m512i _mm512_maskz_compress_epi32(__mmask16 mask, __m512i values) {
  const auto from = simde_shim::as<simde_shim::Integers>(values);
  simde_shim::Integers result = {};
  for (int i = 0, next = 0; i < 16; ++i) {
    if (mask >> i & 1) result.lane[next++] = from.lane[i];
  }
  return simde_shim::as<__m512i>(result);
}

inline __m128i _mm512_castsi512_si128(__m512i values) { return simde_shim::read<__m128i>(&values); }

inline __m512 _mm512_insertf32x8(__m512 values, __m256 half, int at) {
  std::memcpy(reinterpret_cast<char*>(&values) + 32 * at, &half, sizeof half);
  return values;
}

template <class To>
To first_of_eight(unsigned lanes, const void* from) {
  int32_t result[8] = {};
  for (int i = 0; i < 8; ++i) {
    if (lanes >> i & 1) result[i] = simde_shim::read<int32_t>(static_cast<const char*>(from) + 4 * i);
  }
  return simde_shim::read<To>(result);
}
inline __m256i _mm256_maskz_loadu_epi32(unsigned lanes, const void* from) { return first_of_eight<__m256i>(lanes, from); }
inline __m256 _mm256_maskz_loadu_ps(unsigned lanes, const void* from) { return first_of_eight<__m256>(lanes, from); }

inline void _mm_prefetch(const char*, int) {}
