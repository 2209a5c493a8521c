// NEON with dot products (Armv8.2 DotProd): 4 floats or 16 bytes a register.
#include "dot_tile.h"
#include "target.h"

#if WEIGHBRIDGE_ARM64

namespace weighbridge::kernel {

WEIGHBRIDGE_TARGET_BEGIN(WEIGHBRIDGE_DOTPROD)

namespace {

struct Lanes {
  using Register = float32x4_t;
  static constexpr uint64_t count = 4;
  static constexpr int together = 4;
  static float32x4_t load(const float* from) { return vld1q_f32(from); }
  static void store(float* to, float32x4_t value) { vst1q_f32(to, value); }
  static float32x4_t all(float value) { return vdupq_n_f32(value); }
  static float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
};

}  // namespace

#include "vectors.inc"

namespace {

struct F32 {
  static constexpr uint64_t bytes = 4;
  static float32x4_t four(const std::byte* from) { return vld1q_f32(reinterpret_cast<const float*>(from)); }
  static float one(const std::byte* from) { return load<float>(from); }
};

struct F16 {
  static constexpr uint64_t bytes = 2;
  static float32x4_t four(const std::byte* from) { return vcvt_f32_f16(vreinterpret_f16_u64(vdup_n_u64(load<uint64_t>(from)))); }
  static float one(const std::byte* from) { return half_to_float(load<uint16_t>(from)); }
};

struct BF16 {
  static constexpr uint64_t bytes = 2;
  static float32x4_t four(const std::byte* from) {
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u64(vdup_n_u64(load<uint64_t>(from))), 16));
  }
  static float one(const std::byte* from) { return bfloat_to_float(load<uint16_t>(from)); }
};

template <class Element>
struct Floats {
  template <int C>
  static void tile(const std::byte* row, const Activations& columns, uint64_t column, float* out, uint64_t out_stride) {
    const uint64_t count = columns.elements;
    const float* values = columns.values + column * count;
    float32x4_t even[C], odd[C];
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) even[c] = odd[c] = vdupq_n_f32(0);
    uint64_t i = 0;
    for (; i + 8 <= count; i += 8) {
      const float32x4_t first = Element::four(row + i * Element::bytes);
      const float32x4_t second = Element::four(row + (i + 4) * Element::bytes);
      WEIGHBRIDGE_UNROLL
      for (int c = 0; c < C; ++c) {
        even[c] = vfmaq_f32(even[c], first, vld1q_f32(values + c * count + i));
        odd[c] = vfmaq_f32(odd[c], second, vld1q_f32(values + c * count + i + 4));
      }
    }
    for (int c = 0; c < C; ++c) {
      float sum = vaddvq_f32(vaddq_f32(even[c], odd[c]));
      for (uint64_t k = i; k < count; ++k) sum += Element::one(row + k * Element::bytes) * values[c * count + k];
      out[c * out_stride] = sum;
    }
  }
};

// 32 weights as signed bytes: every quant of every type fits.
struct Bytes {
  int8x16_t first, second;
};

inline uint8x16_t load_sixteen(const void* from) { return vld1q_u8(static_cast<const uint8_t*>(from)); }
inline int8x16_t as_signed(uint8x16_t bytes) { return vreinterpretq_s8_u8(bytes); }

inline Bytes nibbles(const uint8_t* pairs) {
  const uint8x16_t both = load_sixteen(pairs);
  return {as_signed(vandq_u8(both, vdupq_n_u8(15))), as_signed(vshrq_n_u8(both, 4))};
}

inline Bytes levels_of(Bytes quants) {
  const int8x16_t levels = vld1q_s8(iq4_levels);
  return {vqtbl1q_s8(levels, vreinterpretq_u8_s8(quants.first)), vqtbl1q_s8(levels, vreinterpretq_u8_s8(quants.second))};
}

inline Bytes less(Bytes bytes, int8_t by) {
  return {vsubq_s8(bytes.first, vdupq_n_s8(by)), vsubq_s8(bytes.second, vdupq_n_s8(by))};
}

inline Bytes either(Bytes a, Bytes b) { return {vorrq_s8(a.first, b.first), vorrq_s8(a.second, b.second)}; }

// 16 for each bit of two bytes that is set.
inline int8x16_t fifth_bits(const uint8_t* two) {
  static constexpr uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t spread = vcombine_u8(vdup_n_u8(two[0]), vdup_n_u8(two[1]));
  return as_signed(vandq_u8(vtstq_u8(spread, vld1q_u8(bits)), vdupq_n_u8(16)));
}

// `width` bits of each of 32 bytes, from bit `shift` on, moved to bit `to`.
template <int Width>
inline Bytes bits_of(const uint8_t* bytes, int shift, int to) {
  const int8x16_t down = vdupq_n_s8(static_cast<int8_t>(-shift)), up = vdupq_n_s8(static_cast<int8_t>(to));
  const uint8x16_t mask = vdupq_n_u8((1 << Width) - 1);
  const auto part = [&](const uint8_t* from) {
    return as_signed(vshlq_u8(vandq_u8(vshlq_u8(load_sixteen(from), down), mask), up));
  };
  return {part(bytes), part(bytes + 16)};
}

// What a group of 256 elements is scaled by, a run of 16 each: as in UnpackedBlock.
struct Factors {
  float scales[16];
  float minima[16];
};

template <class B, Bytes (*UnpackBlock)(const B&), bool HasMinimum>
struct SmallBlocks {
  using Block = B;
  static constexpr uint64_t blocks = 8;
  static constexpr bool minima = HasMinimum;
  static void factors(const B* group, Factors& out) {
    for (int k = 0; k < 8; ++k) {
      out.scales[2 * k] = out.scales[2 * k + 1] = half_to_float(group[k].scale);
      if constexpr (HasMinimum) out.minima[2 * k] = out.minima[2 * k + 1] = -half_to_float(group[k].minimum);
    }
  }
  static Bytes unpack(const B* group, int k) { return UnpackBlock(group[k]); }
};

inline Bytes of_q8_0(const BlockQ8_0& block) { return {vld1q_s8(block.quants), vld1q_s8(block.quants + 16)}; }
inline Bytes of_q4_0(const BlockQ4_0& block) { return less(nibbles(block.pairs), 8); }
inline Bytes of_q4_1(const BlockQ4_1& block) { return nibbles(block.pairs); }
template <class Block>
inline Bytes of_fives(const Block& block) {
  return either(nibbles(block.pairs), {fifth_bits(block.fifths), fifth_bits(block.fifths + 2)});
}
inline Bytes of_q5_0(const BlockQ5_0& block) { return less(of_fives(block), 16); }
inline Bytes of_q5_1(const BlockQ5_1& block) { return of_fives(block); }
inline Bytes of_iq4_nl(const BlockIQ4_NL& block) { return levels_of(nibbles(block.pairs)); }

using Q8_0 = SmallBlocks<BlockQ8_0, of_q8_0, false>;
using Q4_0 = SmallBlocks<BlockQ4_0, of_q4_0, false>;
using Q4_1 = SmallBlocks<BlockQ4_1, of_q4_1, true>;
using Q5_0 = SmallBlocks<BlockQ5_0, of_q5_0, false>;
using Q5_1 = SmallBlocks<BlockQ5_1, of_q5_1, true>;
using IQ4_NL = SmallBlocks<BlockIQ4_NL, of_iq4_nl, false>;

template <class B, bool HasMinima>
struct Superblock {
  using Block = B;
  static constexpr uint64_t blocks = 1;
  static constexpr bool minima = HasMinima;
};

struct Q2_K : Superblock<BlockQ2_K, true> {
  static void factors(const Block* group, Factors& out) {
    const float scale = half_to_float(group->scale), minimum = half_to_float(group->minimum);
    for (int run = 0; run < 16; ++run) {
      out.scales[run] = scale * static_cast<float>(group->scales[run] & 15);
      out.minima[run] = minimum * static_cast<float>(group->scales[run] >> 4);
    }
  }
  static Bytes unpack(const Block* group, int k) { return bits_of<2>(group->quants + k / 4 * 32, k % 4 * 2, 0); }
};

struct Q3_K : Superblock<BlockQ3_K, false> {
  static void factors(const Block* group, Factors& out) {
    const float scale = half_to_float(group->scale);
    uint32_t packed[3], words[4];
    std::memcpy(packed, group->scales, sizeof packed);
    split_q3_scales(packed, words);
    for (int run = 0; run < 16; ++run) {
      out.scales[run] = scale * static_cast<float>(static_cast<int>(words[run / 4] >> (run % 4 * 8) & 63) - 32);
    }
  }
  static Bytes unpack(const Block* group, int k) {
    return less(either(bits_of<2>(group->quants + k / 4 * 32, k % 4 * 2, 0), bits_of<1>(group->high_bits, k, 2)), 4);
  }
};

template <class B>
struct SixBitScales : Superblock<B, true> {
  static void factors(const B* group, Factors& out) {
    const float scale = half_to_float(group->scale), minimum = half_to_float(group->minimum);
    uint32_t packed[3];
    std::memcpy(packed, group->scales, sizeof packed);
    const PackedScales split = split_scales(packed);
    for (int run = 0; run < 16; ++run) {
      const int k = run / 2;
      out.scales[run] = scale * static_cast<float>(split.scales[k / 4] >> (k % 4 * 8) & 63);
      out.minima[run] = minimum * static_cast<float>(split.minima[k / 4] >> (k % 4 * 8) & 63);
    }
  }
};

struct Q4_K : SixBitScales<BlockQ4_K> {
  static Bytes unpack(const BlockQ4_K* group, int k) { return bits_of<4>(group->pairs + k / 2 * 32, k % 2 * 4, 0); }
};

struct Q5_K : SixBitScales<BlockQ5_K> {
  static Bytes unpack(const BlockQ5_K* group, int k) {
    return either(bits_of<4>(group->pairs + k / 2 * 32, k % 2 * 4, 0), bits_of<1>(group->fifths, k, 4));
  }
};

struct Q6_K : Superblock<BlockQ6_K, false> {
  static void factors(const Block* group, Factors& out) {
    const float scale = half_to_float(group->scale);
    for (int run = 0; run < 16; ++run) out.scales[run] = scale * static_cast<float>(group->scales[run]);
  }
  static Bytes unpack(const Block* group, int k) {
    const Bytes low = bits_of<4>(group->low + k / 4 * 64 + k % 2 * 32, k % 4 / 2 * 4, 0);
    return less(either(low, bits_of<2>(group->high + k / 4 * 32, k % 4 * 2, 4)), 32);
  }
};

struct IQ4_XS : Superblock<BlockIQ4_XS, false> {
  static void factors(const Block* group, Factors& out) {
    const float scale = half_to_float(group->scale);
    for (int run = 0; run < 16; ++run) {
      const int k = run / 2;
      const int six = (group->low_scales[k / 2] >> (k % 2 * 4) & 15) | (group->high_scales >> (2 * k) & 3) << 4;
      out.scales[run] = scale * static_cast<float>(six - 32);
    }
  }
  static Bytes unpack(const Block* group, int k) { return levels_of(nibbles(group->pairs + k * 16)); }
};

inline float32x4_t floats(int32x4_t integers) { return vcvtq_f32_s32(integers); }

// Groups of 256 elements, as in dot_x86_groups.inc.
template <class Type>
struct Grouped {
  using Block = typename Type::Block;
  static constexpr uint64_t group_blocks = superblock_elements / block_elements;

  // The last group may have fewer than eight blocks of 32.
  template <int C>
  static void group(const Block* from, uint64_t count, const int8_t* quants, const float* scales, uint64_t stride,
                    float32x4_t (&sums)[C]) {
    Factors factors;
    Type::factors(from, factors);
    for (uint64_t k = 0; k < count; ++k) {
      const Bytes weights = Type::unpack(from, static_cast<int>(k));
      WEIGHBRIDGE_UNROLL
      for (int c = 0; c < C; ++c) {
        const int8_t* column = quants + (c * stride + k) * block_elements;
        const int8x16_t first = vld1q_s8(column), second = vld1q_s8(column + 16);
        const int32x4_t zero = vdupq_n_s32(0);
        float32x4_t part = vmulq_n_f32(floats(vdotq_s32(zero, weights.first, first)), factors.scales[2 * k]);
        part = vfmaq_n_f32(part, floats(vdotq_s32(zero, weights.second, second)), factors.scales[2 * k + 1]);
        if constexpr (Type::minima) {
          const int8x16_t ones = vdupq_n_s8(1);
          part = vfmsq_n_f32(part, floats(vdotq_s32(zero, ones, first)), factors.minima[2 * k]);
          part = vfmsq_n_f32(part, floats(vdotq_s32(zero, ones, second)), factors.minima[2 * k + 1]);
        }
        sums[c] = vfmaq_n_f32(sums[c], part, scales[c * stride + k]);
      }
    }
  }

  template <int C>
  static void tile(const std::byte* row, const Activations& columns, uint64_t column, float* out, uint64_t out_stride) {
    const uint64_t blocks = columns.elements / block_elements;
    const int8_t* quants = columns.quants + column * columns.elements;
    const float* scales = columns.scales + column * blocks;
    float32x4_t sums[C];
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) sums[c] = vdupq_n_f32(0);
    // Blocks hold 16-bit numbers and may lie at odd addresses.
    Block copy[Type::blocks];
    for (uint64_t b = 0; b < blocks; b += group_blocks) {
      const uint64_t count = std::min(group_blocks, blocks - b);
      const uint64_t bytes = Type::blocks == 1 ? sizeof(Block) : count * sizeof(Block);
      std::memcpy(static_cast<void*>(copy), row, bytes);
      if (Type::blocks > 1 && count < group_blocks) std::memset(static_cast<void*>(copy + count), 0, sizeof copy - bytes);
      group<C>(copy, count, quants, scales, blocks, sums);
      row += bytes;
      quants += count * block_elements;
      scales += count;
    }
    WEIGHBRIDGE_UNROLL
    for (int c = 0; c < C; ++c) out[c * out_stride] = vaddvq_f32(sums[c]);
  }
};

}  // namespace

WEIGHBRIDGE_TARGET_END

namespace {

constexpr DotRow rows[] = {
    {gguf::TensorType::F32, multiply_tiled<Floats<F32>>},     {gguf::TensorType::F16, multiply_tiled<Floats<F16>>},
    {gguf::TensorType::BF16, multiply_tiled<Floats<BF16>>},   {gguf::TensorType::Q8_0, multiply_tiled<Grouped<Q8_0>>},
    {gguf::TensorType::Q4_0, multiply_tiled<Grouped<Q4_0>>},  {gguf::TensorType::Q4_1, multiply_tiled<Grouped<Q4_1>>},
    {gguf::TensorType::Q5_0, multiply_tiled<Grouped<Q5_0>>},  {gguf::TensorType::Q5_1, multiply_tiled<Grouped<Q5_1>>},
    {gguf::TensorType::IQ4_NL, multiply_tiled<Grouped<IQ4_NL>>},
    {gguf::TensorType::Q2_K, multiply_tiled<Grouped<Q2_K>>},  {gguf::TensorType::Q3_K, multiply_tiled<Grouped<Q3_K>>},
    {gguf::TensorType::Q4_K, multiply_tiled<Grouped<Q4_K>>},  {gguf::TensorType::Q5_K, multiply_tiled<Grouped<Q5_K>>},
    {gguf::TensorType::Q6_K, multiply_tiled<Grouped<Q6_K>>},
    {gguf::TensorType::IQ4_XS, multiply_tiled<Grouped<IQ4_XS>>},
};

}  // namespace

constinit const DotTable neon_dots = {Isa::neon, rows, accumulate, softmax, gate};

}  // namespace weighbridge::kernel

#endif
