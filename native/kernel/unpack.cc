// Blocks of every quantized type in one form: the reference that all other forms are checked against.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "quant.h"

namespace weighbridge::kernel {

namespace {

template <class Block>
Block block_at(const std::byte* from) noexcept {
  return load<Block>(from);
}

void set_all(UnpackedBlock& out, uint64_t elements, float scale, float minimum) noexcept {
  std::fill_n(out.scales, elements / run_elements, scale);
  std::fill_n(out.minima, elements / run_elements, minimum);
}

// Element i from the low half of byte i, element 16 + i from the high one.
template <class Value>
void split_pairs(const uint8_t* pairs, int8_t* quants, Value&& value) noexcept {
  for (uint64_t i = 0; i < block_elements / 2; ++i) {
    quants[i] = static_cast<int8_t>(value(pairs[i] & 15, i));
    quants[block_elements / 2 + i] = static_cast<int8_t>(value(pairs[i] >> 4, block_elements / 2 + i));
  }
}

int level(int quant, uint64_t) noexcept { return iq4_levels[quant]; }

// Two bits of element i of a superblock, four elements a byte.
int two_bits(const uint8_t* bytes, uint64_t i) noexcept {
  return bytes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

// The bit of element i of a superblock, eight elements a byte.
int one_bit(const uint8_t* bytes, uint64_t i) noexcept { return bytes[i % 32] >> (i / 32) & 1; }

// Half a byte of element i of a superblock whose every 64 elements lie in 32 bytes.
int half_byte(const uint8_t* pairs, uint64_t i) noexcept {
  return pairs[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
}

// Scales and minima of Q4_K and Q5_K.
template <class Block>
void set_scales(const Block& block, UnpackedBlock& out) noexcept {
  const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
  uint32_t packed[3];
  std::memcpy(packed, block.scales, sizeof packed);
  const PackedScales split = split_scales(packed);
  uint8_t scales[8], minima[8];
  std::memcpy(scales, split.scales, sizeof scales);
  std::memcpy(minima, split.minima, sizeof minima);
  for (uint64_t run = 0; run < std::size(out.scales); ++run) {
    out.scales[run] = scale * static_cast<float>(scales[run / 2]);
    out.minima[run] = minimum * static_cast<float>(minima[run / 2]);
  }
}

}  // namespace

void unpack_q8_0(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ8_0>(from);
  std::memcpy(out.quants, block.quants, sizeof block.quants);
  set_all(out, block_elements, half_to_float(block.scale), 0);
}

void unpack_q4_0(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ4_0>(from);
  split_pairs(block.pairs, out.quants, [](int quant, uint64_t) { return quant - 8; });
  set_all(out, block_elements, half_to_float(block.scale), 0);
}

void unpack_q4_1(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ4_1>(from);
  split_pairs(block.pairs, out.quants, [](int quant, uint64_t) { return quant; });
  set_all(out, block_elements, half_to_float(block.scale), -half_to_float(block.minimum));
}

void unpack_q5_0(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ5_0>(from);
  const auto fifths = load<uint32_t>(block.fifths);
  split_pairs(block.pairs, out.quants,
              [&](int quant, uint64_t i) { return (quant | static_cast<int>(fifths >> i & 1) << 4) - 16; });
  set_all(out, block_elements, half_to_float(block.scale), 0);
}

void unpack_q5_1(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ5_1>(from);
  const auto fifths = load<uint32_t>(block.fifths);
  split_pairs(block.pairs, out.quants,
              [&](int quant, uint64_t i) { return quant | static_cast<int>(fifths >> i & 1) << 4; });
  set_all(out, block_elements, half_to_float(block.scale), -half_to_float(block.minimum));
}

void unpack_iq4_nl(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockIQ4_NL>(from);
  split_pairs(block.pairs, out.quants, level);
  set_all(out, block_elements, half_to_float(block.scale), 0);
}

void unpack_q2_k(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ2_K>(from);
  const float scale = half_to_float(block.scale), minimum = half_to_float(block.minimum);
  for (uint64_t run = 0; run < std::size(out.scales); ++run) {
    out.scales[run] = scale * static_cast<float>(block.scales[run] & 15);
    out.minima[run] = minimum * static_cast<float>(block.scales[run] >> 4);
  }
  for (uint64_t i = 0; i < superblock_elements; ++i) out.quants[i] = static_cast<int8_t>(two_bits(block.quants, i));
}

void unpack_q3_k(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ3_K>(from);
  const float scale = half_to_float(block.scale);
  uint32_t packed[3], words[4];
  std::memcpy(packed, block.scales, sizeof packed);
  split_q3_scales(packed, words);
  uint8_t scales[16];
  std::memcpy(scales, words, sizeof scales);
  for (uint64_t run = 0; run < std::size(out.scales); ++run) {
    out.scales[run] = scale * static_cast<float>(scales[run] - 32);
    out.minima[run] = 0;
  }
  for (uint64_t i = 0; i < superblock_elements; ++i) {
    out.quants[i] = static_cast<int8_t>(two_bits(block.quants, i) + 4 * one_bit(block.high_bits, i) - 4);
  }
}

void unpack_q4_k(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ4_K>(from);
  set_scales(block, out);
  for (uint64_t i = 0; i < superblock_elements; ++i) out.quants[i] = static_cast<int8_t>(half_byte(block.pairs, i));
}

void unpack_q5_k(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ5_K>(from);
  set_scales(block, out);
  for (uint64_t i = 0; i < superblock_elements; ++i) {
    out.quants[i] = static_cast<int8_t>(half_byte(block.pairs, i) + 16 * one_bit(block.fifths, i));
  }
}

void unpack_q6_k(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockQ6_K>(from);
  const float scale = half_to_float(block.scale);
  for (uint64_t run = 0; run < std::size(out.scales); ++run) {
    out.scales[run] = scale * static_cast<float>(block.scales[run]);
    out.minima[run] = 0;
  }
  for (uint64_t i = 0; i < superblock_elements; ++i) {
    const int low = block.low[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15;
    out.quants[i] = static_cast<int8_t>((low | two_bits(block.high, i) << 4) - 32);
  }
}

void unpack_iq4_xs(const std::byte* from, UnpackedBlock& out) noexcept {
  const auto block = block_at<BlockIQ4_XS>(from);
  const float scale = half_to_float(block.scale);
  for (uint64_t k = 0; k < superblock_elements / block_elements; ++k) {
    const int low = block.low_scales[k / 2] >> (k % 2 * 4) & 15;
    const int high = block.high_scales >> (2 * k) & 3;
    const float factor = scale * static_cast<float>((low | high << 4) - 32);
    for (const uint64_t run : {2 * k, 2 * k + 1}) out.scales[run] = factor, out.minima[run] = 0;
    split_pairs(block.pairs + k * block_elements / 2, out.quants + k * block_elements, level);
  }
}

}  // namespace weighbridge::kernel
