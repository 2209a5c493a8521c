#include "synthetic_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

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

// IEEE binary16 of a finite value whose magnitude is below 65504, rounded to nearest even; subnormals become 0.
uint16_t half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) return sign;
  const uint32_t rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

constexpr double kSumMean = 8 * 127.5;
constexpr double kSumDeviation = 209.02312873;  // sqrt(8 * (256^2 - 1) / 12)
// Root mean squares of the integers of a block: int8 uniform with -128 taken as -127, and nibbles minus 8.
constexpr double kByteDeviation = 73.895;
constexpr double kNibbleDeviation = 4.6368;     // sqrt(21.5)

}  // namespace

SyntheticWeights::SyntheticWeights(const SynthesisTensor& tensor, uint64_t seed)
    : type_(tensor.type), key_(mixed(mixed(seed) ^ mixed(~tensor.stream))) {
  const bool blocks = type_ == TensorType::Q8_0 || type_ == TensorType::Q4_0;
  const bool known = blocks || type_ == TensorType::F32 || type_ == TensorType::F16;
  if (!known || (blocks && tensor.fill == Fill::ones)) {
    throw Error(Reason{.code = "bad-option", .operation = "synthesize", .message = "no such fill of that tensor type"});
  }
  unit_bytes_ = traits(type_)->block_bytes;
  for (uint32_t sum = 0; sum < kSums; ++sum) {
    const double drawn = (sum - kSumMean) / kSumDeviation * static_cast<double>(tensor.deviation);
    single_[sum] = tensor.fill == Fill::ones ? 1.0f : static_cast<float>(drawn);
    half_[sum] = half(single_[sum]);
  }
  const double unit = type_ == TensorType::Q4_0 ? kNibbleDeviation : kByteDeviation;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const double size = (0.75 + (byte & 127) / 254.0) * static_cast<double>(tensor.deviation) / unit;
    scale_[byte] = half(static_cast<float>(byte < 128 ? size : -size));
  }
}

inline void SyntheticWeights::write_unit(uint64_t unit, std::byte* out) const {
  const uint64_t counter = key_ + unit * 5;  // at most five words a unit
  switch (type_) {
    case TensorType::F32:
      std::memcpy(out, &single_[byte_sum(mixed(counter))], 4);
      return;
    case TensorType::F16:
      std::memcpy(out, &half_[byte_sum(mixed(counter))], 2);
      return;
    case TensorType::Q4_0: {
      std::memcpy(out, &scale_[mixed(counter) >> 56], 2);
      const uint64_t nibbles[2] = {mixed(counter + 1), mixed(counter + 2)};
      std::memcpy(out + 2, nibbles, 16);
      return;
    }
    default: {
      std::memcpy(out, &scale_[mixed(counter) >> 56], 2);
      uint64_t words[4];
      for (uint32_t i = 0; i < 4; ++i) words[i] = mixed(counter + 1 + i);
      int8_t values[32];
      std::memcpy(values, words, 32);
      // Quantizers never give -128, and kernels may rely on that.
      for (int8_t& value : values) value = std::max<int8_t>(value, -127);
      std::memcpy(out + 2, values, 32);
    }
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
      std::byte cut[64];
      write_unit(unit, cut);
      const uint64_t taken = std::min(unit_bytes_ - within, end - begin);
      std::memcpy(target, cut + within, taken);
      begin += taken;
      target += taken;
    }
  }
}

}  // namespace weighbridge::gguf
