// Reads bytes at the machine's speed; the sum keeps the compiler from leaving the reads out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace weighbridge {

// Sum modulo 2^64 of the bytes taken as 64-bit words in native byte order, the last one filled up with zeros. The same
// result on every instruction set: AVX2 where the processor has it, else plain 64-bit additions.
uint64_t byte_sum(std::span<const std::byte> bytes) noexcept;

}  // namespace weighbridge
