#include "synthetic_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>

namespace weighbridge::gguf {

namespace {

// The finalizer of splitmix64 (Steele, Lea, Flood 2014): a good 64-bit hash of a counter.
constexpr uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// Sum of the eight bytes of a word: pairs to 16 bits, then one multiplication adds the four.
constexpr uint32_t byte_sum(uint64_t word) {
  const uint64_t pairs = (word & 0x00ff00ff00ff00ffu) + ((word >> 8) & 0x00ff00ff00ff00ffu);
  return static_cast<uint32_t>((pairs * 0x0001000100010001u) >> 48);
}

constexpr uint32_t least_normal_half = 0x38800000;  // 2^-14

// IEEE binary16 of a finite value whose magnitude is below 65504, rounded to nearest even.
uint16_t half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude < least_normal_half) {
    // Subnormals are multiples of 2^-24, as floats from 0.5 up to 1 are.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

// Of a finite binary16.
float half_value(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                        : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

// The upper half of an IEEE binary32, rounded to nearest even; of a finite value.
uint16_t bfloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

constexpr double kSumMean = 8 * 127.5;
constexpr double kSumDeviation = 209.02312873;  // sqrt(8 * (256^2 - 1) / 12)
// Words between units, at least.
constexpr uint64_t kLeastStride = 5;

constexpr TensorType element_types[] = {TensorType::F32, TensorType::F16, TensorType::BF16};

bool is_element(TensorType type) noexcept {
  return std::find(std::begin(element_types), std::end(element_types), type) != std::end(element_types);
}

const BlockRecipe* recipe_of(TensorType type) noexcept {
  for (const BlockRecipe& recipe : block_recipes()) {
    if (recipe.type == type) return &recipe;
  }
  return nullptr;
}

constexpr uint64_t words_of(uint32_t bytes) { return (bytes + 7) / 8; }

}  // namespace

std::optional<TensorType> synthetic_type(std::string_view name) noexcept {
  for (const TensorType type : element_types) {
    if (name == traits(type)->name) return type;
  }
  for (const BlockRecipe& recipe : block_recipes()) {
    if (name == traits(recipe.type)->name) return recipe.type;
  }
  return std::nullopt;
}

SyntheticWeights::SyntheticWeights(const SynthesisTensor& tensor, uint64_t seed)
    : type_(tensor.type), recipe_(recipe_of(tensor.type)), key_(mixed(mixed(seed) ^ mixed(~tensor.stream))) {
  if (recipe_ == nullptr ? !is_element(type_) : tensor.fill == Fill::ones) {
    throw Error(Reason{.code = "bad-option", .operation = "synthesize", .message = "no such fill of that tensor type"});
  }
  unit_bytes_ = traits(type_)->block_bytes;
  const double deviation = static_cast<double>(tensor.deviation);
  if (recipe_ == nullptr) {
    stride_ = kLeastStride;
    for (uint32_t sum = 0; sum < kSums; ++sum) {
      const double drawn = (sum - kSumMean) / kSumDeviation * deviation;
      single_[sum] = tensor.fill == Fill::ones ? 1.0f : static_cast<float>(drawn);
      short_[sum] = type_ == TensorType::BF16 ? bfloat(single_[sum]) : half(single_[sum]);
    }
    return;
  }
  stride_ = std::max(kLeastStride, 1 + words_of(recipe_->random_bytes));
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const double size = (0.75 + (byte & 127) / 254.0) * deviation / recipe_->deviation;
    scale_[byte] = half(static_cast<float>(byte < 128 ? size : -size));
    if (!recipe_->minimum) continue;
    minimum_[byte] = half(static_cast<float>(recipe_->minimum->of_scale * static_cast<double>(half_value(scale_[byte]))));
  }
}

inline void SyntheticWeights::write_block(const BlockRecipe& recipe, uint64_t counter, std::byte* out) const {
  std::byte* at = out + recipe.random_begin;
  uint32_t left = recipe.random_bytes;
  for (; left >= 8; left -= 8, at += 8) {
    const uint64_t word = mixed(++counter);
    std::memcpy(at, &word, 8);
  }
  if (left > 0) {
    const uint64_t word = mixed(++counter);
    std::memcpy(at, &word, left);
  }
  if (recipe.adjust != nullptr) recipe.adjust(out);
}

inline void SyntheticWeights::write_unit(uint64_t unit, std::byte* out) const {
  const uint64_t counter = key_ + unit * stride_;
  const uint64_t first = mixed(counter);
  if (recipe_ != nullptr) {
    write_block(*recipe_, counter, out);
    const uint64_t byte = first >> 56;
    std::memcpy(out + recipe_->scale, &scale_[byte], 2);
    if (recipe_->minimum) std::memcpy(out + recipe_->minimum->offset, &minimum_[byte], 2);
  } else if (type_ == TensorType::F32) {
    std::memcpy(out, &single_[byte_sum(first)], 4);
  } else {
    std::memcpy(out, &short_[byte_sum(first)], 2);
  }
}

void SyntheticWeights::write(uint64_t begin, std::span<std::byte> out) const {
  const uint64_t end = begin + out.size();
  std::byte* target = out.data();
  while (begin < end) {
    const uint64_t unit = begin / unit_bytes_;
    const uint64_t within = begin % unit_bytes_;
    if (within == 0 && end - begin >= unit_bytes_) {
      const uint64_t whole = (end - begin) / unit_bytes_;
      for (uint64_t i = 0; i < whole; ++i) write_unit(unit + i, target + i * unit_bytes_);
      begin += whole * unit_bytes_;
      target += whole * unit_bytes_;
    } else {
      std::byte cut[256];
      write_unit(unit, cut);
      const uint64_t taken = std::min(unit_bytes_ - within, end - begin);
      std::memcpy(target, cut + within, taken);
      begin += taken;
      target += taken;
    }
  }
}

}  // namespace weighbridge::gguf
