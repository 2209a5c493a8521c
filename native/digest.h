// A 64-bit digest for telling results apart. Not cryptographic: it guards against mistakes, not against forgery.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace weighbridge {

// The finalizer of MurmurHash3: one to one, and every bit of the argument moves about half of the bits of the result.
inline uint64_t mixed(uint64_t h) noexcept {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

// FNV-1a over 64-bit little-endian words in four interleaved lanes (one lane's multiply latency would bound it at
// 2 GB/s), closed with the length and that finalizer. Depends on how the bytes were divided into add() calls.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    size_t i = 0;
    for (; i + 32 <= bytes.size(); i += 32) {
      std::array<uint64_t, 4> words;
      std::memcpy(words.data(), bytes.data() + i, 32);
      for (size_t lane = 0; lane < 4; ++lane) lanes_[lane] = (lanes_[lane] ^ words[lane]) * kPrime;
    }
    for (; i < bytes.size(); ++i) lanes_[0] = (lanes_[0] ^ static_cast<uint64_t>(bytes[i])) * kPrime;
    length_ += bytes.size();
  }

  std::string hex() const {
    uint64_t h = length_;
    for (const uint64_t lane : lanes_) h = mixed(h ^ lane);
    return hex_of(h);
  }

  // 16 hex digits.
  static std::string hex_of(uint64_t h) {
    std::string text(16, '0');
    for (int i = 15; i >= 0; --i, h >>= 4) text[static_cast<size_t>(i)] = "0123456789abcdef"[h & 15];
    return text;
  }

 private:
  static constexpr uint64_t kPrime = 0x100000001b3ULL;
  std::array<uint64_t, 4> lanes_ = {0xcbf29ce484222325ULL, 0x84222325cbf29ce4ULL, 0x9e3779b97f4a7c15ULL,
                                    0xc2b2ae3d27d4eb4fULL};
  uint64_t length_ = 0;
};

}  // namespace weighbridge
