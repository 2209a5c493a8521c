// The files of a model as loaders open them, and which of their bytes hold tensors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loader.h"

namespace weighbridge {

// open(2), read-only, with further flags. Throws Error code file-changed where the file is no longer as long as it was
// when its header was read.
FileDescriptor open_part(const Part& part, int flags = 0);

// Throws Error code file-changed unless the file of that part has `bytes` bytes now.
void check_unchanged(const Part& part, uint64_t bytes);

// Throws Error code short-read: the part's file ended at `offset`, before its last tensor byte.
[[noreturn]] void throw_short_read(const char* operation, const Part& part, uint64_t offset);

// Whether a read that ended with `error_number` is to be made again: one that was interrupted, or that is to come back.
// `in_vain` counts those in a row: regular files are not interrupted, and a file system that does it without end must
// not look like a hang.
bool ask_again(int error_number, uint32_t& in_vain) noexcept;

// From the first to behind the last tensor byte of one part: [begin, end), both 0 in a part without tensors.
struct Extent {
  uint64_t begin;
  uint64_t end;
  uint64_t bytes() const noexcept { return end - begin; }
};

// One extent a part. Throws Error code malformed for a range that does not lie within its part.
std::vector<Extent> tensor_extents(std::span<const Part> parts, std::span<const TensorRange> ranges);

// The ranges in the order in which they lie in the files.
std::vector<TensorRange> in_file_order(std::span<const TensorRange> ranges);

}  // namespace weighbridge
