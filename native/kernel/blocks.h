// How quantized weights lie in a file: rows of blocks of 32 or 256 elements, without padding, at any alignment that the
// file's `general.alignment` allows. Integers are little endian, scales IEEE half precision.
// Source: ggml/src/ggml-common.h (layouts) and ggml-quants.c (dequantize_row_…) of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weighbridge::kernel {

inline constexpr uint64_t block_elements = 32;
inline constexpr uint64_t superblock_elements = 256;
// Within a block, runs of so many elements have one scale and one minimum at least.
inline constexpr uint64_t run_elements = 16;

// ---- blocks of 32. `pairs` holds element i in the low and element 16 + i in the high half of byte i.

// w = d · q
struct BlockQ8_0 {
  uint16_t scale;
  int8_t quants[block_elements];
};
// w = d · (q − 8)
struct BlockQ4_0 {
  uint16_t scale;
  uint8_t pairs[block_elements / 2];
};
// w = d · q + m
struct BlockQ4_1 {
  uint16_t scale;
  uint16_t minimum;
  uint8_t pairs[block_elements / 2];
};
// w = d · (q − 16); bit i of `fifths` is the fifth bit of element i
struct BlockQ5_0 {
  uint16_t scale;
  uint8_t fifths[4];
  uint8_t pairs[block_elements / 2];
};
// w = d · q + m
struct BlockQ5_1 {
  uint16_t scale;
  uint16_t minimum;
  uint8_t fifths[4];
  uint8_t pairs[block_elements / 2];
};
// w = d · levels[q]
struct BlockIQ4_NL {
  uint16_t scale;
  uint8_t pairs[block_elements / 2];
};

// ---- superblocks of 256, in 16 runs of 16 or 8 of 32

// w = d · (scales[run] & 15) · q − dmin · (scales[run] >> 4). Of each half of 128 elements, element i lies at bits
// 2 · (i / 32) of byte i % 32.
struct BlockQ2_K {
  uint8_t scales[superblock_elements / 16];
  uint8_t quants[superblock_elements / 4];
  uint16_t scale;
  uint16_t minimum;
};
// w = d · (scale[run] − 32) · (q − (high bit set ? 0 : 4)). The high bit of element i is bit i / 32 of byte i % 32; its
// low ones as in Q2_K. Six bits a scale: the low four in bytes 0…7, the high two in bytes 8…11.
struct BlockQ3_K {
  uint8_t high_bits[superblock_elements / 8];
  uint8_t quants[superblock_elements / 4];
  uint8_t scales[12];
  uint16_t scale;
};
// w = d · scale[run of 32] · q − dmin · minimum[run of 32]. Of each 64 elements, the first 32 lie in low halves of
// bytes, the next in high ones. Six bits a scale and minimum, of runs 0…3 in bytes 0…7, of the others across all twelve.
struct BlockQ4_K {
  uint16_t scale;
  uint16_t minimum;
  uint8_t scales[12];
  uint8_t pairs[superblock_elements / 2];
};
// As Q4_K; the fifth bit of element i is bit i / 32 of byte i % 32.
struct BlockQ5_K {
  uint16_t scale;
  uint16_t minimum;
  uint8_t scales[12];
  uint8_t fifths[superblock_elements / 8];
  uint8_t pairs[superblock_elements / 2];
};
// w = d · scales[run] · (q − 32). Of each half of 128 elements, the low four bits of the first and second 32 lie in low
// halves of bytes 0…63, of the third and fourth in high ones; the upper two bits as in Q2_K.
struct BlockQ6_K {
  uint8_t low[superblock_elements / 2];
  uint8_t high[superblock_elements / 4];
  int8_t scales[superblock_elements / 16];
  uint16_t scale;
};
// w = d · (scale[run of 32] − 32) · levels[q]; six bits a scale, the low four in `low_scales`, the upper two in
// `high_scales`. Pairs as in the blocks of 32.
struct BlockIQ4_XS {
  uint16_t scale;
  uint16_t high_scales;
  uint8_t low_scales[superblock_elements / 64];
  uint8_t pairs[superblock_elements / 2];
};

static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20);
static_assert(sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_XS) == 136);

// What the numbers of IQ4_NL and IQ4_XS stand for.
inline constexpr int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// A block of any of these types in one form: w[i] = scales[i / 16] · quants[i] − minima[i / 16].
struct UnpackedBlock {
  int8_t quants[superblock_elements];
  float scales[superblock_elements / run_elements];
  float minima[superblock_elements / run_elements];
};

using Unpack = void (*)(const std::byte* block, UnpackedBlock& out) noexcept;

void unpack_q8_0(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q4_0(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q4_1(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q5_0(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q5_1(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_iq4_nl(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q2_k(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q3_k(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q4_k(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q5_k(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_q6_k(const std::byte* block, UnpackedBlock& out) noexcept;
void unpack_iq4_xs(const std::byte* block, UnpackedBlock& out) noexcept;

// Six-bit numbers as bytes of words.
struct PackedScales {
  uint32_t scales[2];
  uint32_t minima[2];
};

// Of Q4_K and Q5_K: bytes 0…7 of `scales` and of `minima` belong to runs 0…7 of 32.
inline PackedScales split_scales(const uint32_t (&packed)[3]) noexcept {
  constexpr uint32_t low_six = 0x3f3f3f3f, low_four = 0x0f0f0f0f, low_two = 0x03030303;
  return {{packed[0] & low_six, (packed[2] & low_four) | (packed[0] >> 6 & low_two) << 4},
          {packed[1] & low_six, (packed[2] >> 4 & low_four) | (packed[1] >> 6 & low_two) << 4}};
}

// Of Q3_K: the scales of runs 0…15, 32 above their value.
inline void split_q3_scales(const uint32_t (&packed)[3], uint32_t (&scales)[4]) noexcept {
  constexpr uint32_t low_four = 0x0f0f0f0f, low_two = 0x03030303;
  scales[0] = (packed[0] & low_four) | (packed[2] & low_two) << 4;
  scales[1] = (packed[1] & low_four) | (packed[2] >> 2 & low_two) << 4;
  scales[2] = (packed[0] >> 4 & low_four) | (packed[2] >> 4 & low_two) << 4;
  scales[3] = (packed[1] >> 4 & low_four) | (packed[2] >> 6 & low_two) << 4;
}

}  // namespace weighbridge::kernel
