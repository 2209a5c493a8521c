// Writes one file of a synthetic model: a given header, then tensor data drawn from a counter-based generator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "../io.h"
#include "gguf.h"

namespace weighbridge::gguf {

enum class Fill {
  ones,    // every element 1; F32, F16 and BF16 only
  normal,  // zero mean
};

struct SynthesisTensor {
  uint64_t offset;   // from the start of the file
  uint64_t bytes;    // a whole number of blocks
  TensorType type;   // one of those that synthetic_type() knows (synthetic_weights.h)
  Fill fill;
  // Standard deviation of a normal fill. Scales of superblocks are a thousandth of it: far below 0.0005 binary16 has too
  // few steps to give it.
  float deviation;
  uint64_t stream;   // tensors of equal seed, stream, type and deviation have equal bytes
};

struct SynthesisFile {
  std::string path;
  std::vector<std::byte> header;
  uint64_t bytes;                        // of the whole file; what neither header nor tensors cover is zero
  std::vector<SynthesisTensor> tensors;  // ascending by offset, apart from each other and from the header
  uint64_t seed;
};

// Reserves the disk space, writes under a temporary name beside `path`, and renames over `path` once everything is on
// the disk. The bytes depend on nothing but the arguments: not on the number of threads, nor on the machine.
// `progress` gets the bytes written so far, on the calling thread, a few times a second at most; false stops. Throws
// Error: bad-option, disk-full, interrupted, file-missing (no such directory), file-unreadable, io-error. The temporary
// file is removed then.
void synthesize(const SynthesisFile& file, const std::function<bool(uint64_t)>& progress);

}  // namespace weighbridge::gguf
