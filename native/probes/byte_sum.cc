#include "byte_sum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weighbridge {

namespace {

// Four sums side by side, since one chain of additions would wait for itself.
uint64_t sum_words(const std::byte* from, size_t bytes) noexcept {
  std::array<uint64_t, 4> sums = {};
  size_t at = 0;
  for (; at + 32 <= bytes; at += 32) {
    std::array<uint64_t, 4> words;
    std::memcpy(words.data(), from + at, 32);
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += words[lane];
  }
  for (; at < bytes; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, from + at, bytes - at < 8 ? bytes - at : 8);
    sums[0] += word;
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) uint64_t sum_words_avx2(const std::byte* from, size_t bytes) noexcept {
  __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  size_t at = 0;
  for (; at + 128 <= bytes; at += 128) {
    for (int lane = 0; lane < 4; ++lane) {
      const auto* const words = reinterpret_cast<const __m256i*>(from + at + 32 * lane);
      sums[lane] = _mm256_add_epi64(sums[lane], _mm256_loadu_si256(words));
    }
  }
  const __m256i sum = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3]));
  std::array<uint64_t, 4> lanes;
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes.data()), sum);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3] + sum_words(from + at, bytes - at);
}
#endif

}  // namespace

uint64_t byte_sum(std::span<const std::byte> bytes) noexcept {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return sum_words_avx2(bytes.data(), bytes.size());
#endif
  return sum_words(bytes.data(), bytes.size());
}

}  // namespace weighbridge
