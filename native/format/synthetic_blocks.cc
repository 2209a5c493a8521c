#include "synthetic_blocks.h"

#include <algorithm>
#include <cstring>

namespace weighbridge::gguf {

namespace {

template <class Word>
Word word_at(const std::byte* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Quantizers never give -128, and kernels may rely on that.
void avoid_least(std::byte* block) noexcept {
  int8_t quants[32];
  std::memcpy(quants, block + 2, sizeof quants);
  for (int8_t& quant : quants) quant = std::max<int8_t>(quant, -127);
  std::memcpy(block + 2, quants, sizeof quants);
}

// Where a run's factor of the minimum is that of the scale, the run is centred as the block is.
// Q2_K has both in a byte.
void same_factors_q2(std::byte* block) noexcept {
  for (uint32_t at = 0; at < 16; at += 8) {
    const uint64_t low = word_at<uint64_t>(block + at) & 0x0f0f0f0f0f0f0f0fu;
    const uint64_t both = low | low << 4;
    std::memcpy(block + at, &both, sizeof both);
  }
}

// Q4_K and Q5_K: bytes 0…3 of the twelve are of scales, 4…7 of minima, and 8…11 have the low halves of both.
void same_factors_six_bits(std::byte* block) noexcept {
  std::byte* const factors = block + 4;
  const uint32_t low = word_at<uint32_t>(factors + 8) & 0x0f0f0f0fu;
  const uint32_t both = low | low << 4;
  std::memcpy(factors + 4, factors, sizeof both);
  std::memcpy(factors + 8, &both, sizeof both);
}

using enum TensorType;

// Mean squares: of the numbers 0…n−1 less their mean (n² − 1) / 12, and 1/4 more where what is subtracted from them is
// half a step off their mean; of the levels of IQ4_NL 4548; of six-bit factors 1333.5, of those less 32 341.5.
constexpr BlockRecipe recipes[] = {
    {Q4_0, 2, 16, 0, {}, 4.6368, nullptr},                             // sqrt(21.5)
    {Q4_1, 4, 16, 0, {{2, -7.5}}, 4.6098, nullptr},                    // sqrt(21.25)
    {Q5_0, 2, 20, 0, {}, 9.2466, nullptr},                             // sqrt(85.5)
    {Q5_1, 4, 20, 0, {{2, -15.5}}, 9.2331, nullptr},                   // sqrt(85.25)
    {Q8_0, 2, 32, 0, {}, 73.895, avoid_least},
    {IQ4_NL, 2, 16, 0, {}, 67.439, nullptr},                           // sqrt(4548)
    {Q2_K, 0, 80, 80, {{82, 1.5}}, 9.8425, same_factors_q2},           // sqrt(77.5 · 1.25)
    {Q3_K, 0, 108, 108, {}, 43.339, nullptr},                          // sqrt(341.5 · 5.5)
    {Q4_K, 4, 140, 0, {{2, 7.5}}, 168.34, same_factors_six_bits},      // sqrt(1333.5 · 21.25)
    {Q5_K, 4, 172, 0, {{2, 15.5}}, 337.17, same_factors_six_bits},     // sqrt(1333.5 · 85.25)
    {Q6_K, 0, 208, 208, {}, 1365.7, nullptr},                          // sqrt(5461.5 · 341.5)
    {IQ4_XS, 2, 134, 0, {}, 1246.3, nullptr},                          // sqrt(341.5 · 4548)
};

}  // namespace

std::span<const BlockRecipe> block_recipes() noexcept { return recipes; }

}  // namespace weighbridge::gguf
