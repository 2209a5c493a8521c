#include "part_file.h"

#include <algorithm>
#include <tuple>

namespace weighbridge {

FileDescriptor open_part(const Part& part, int flags) {
  FileDescriptor file = open_file(part.path, O_RDONLY | flags);
  check_unchanged(part, regular_file_size(file, part.path));
  return file;
}

void check_unchanged(const Part& part, uint64_t bytes) {
  if (bytes == part.bytes) return;
  throw Error(Reason{.code = "file-changed",
                     .operation = "fstat",
                     .path = part.path,
                     .message = "the file has " + std::to_string(bytes) + " bytes now and had " +
                                std::to_string(part.bytes) + " when its header was read",
                     .remedy = "let nothing write to a model while it is weighed"});
}

void throw_short_read(const char* operation, const Part& part, uint64_t offset) {
  throw Error(Reason{.code = "short-read",
                     .operation = operation,
                     .path = part.path,
                     .message = "the file ended at byte " + std::to_string(offset) + ", before its last tensor",
                     .remedy = "the file shrank while it was read; let nothing write to a model while it is weighed",
                     .offset = offset});
}

bool ask_again(int error_number, uint32_t& in_vain) noexcept {
  constexpr uint32_t most_in_vain = 10'000;
  return (error_number == EINTR || error_number == EAGAIN) && ++in_vain <= most_in_vain;
}

std::vector<Extent> tensor_extents(std::span<const Part> parts, std::span<const TensorRange> ranges) {
  std::vector<Extent> extents(parts.size(), Extent{0, 0});
  for (const TensorRange& range : ranges) {
    const std::optional<uint64_t> end = checked_add(range.offset, range.bytes);
    if (range.part >= parts.size() || !end || *end > parts[range.part].bytes) {
      throw Error(Reason{.code = "malformed",
                         .operation = "load",
                         .path = range.part < parts.size() ? parts[range.part].path : std::string(),
                         .message = "a tensor of " + std::to_string(range.bytes) + " bytes lies outside its file",
                         .remedy = "the file is damaged; copy it again",
                         .offset = range.offset});
    }
    if (range.bytes == 0) continue;
    Extent& extent = extents[range.part];
    const bool first = extent.end == 0;
    extent.begin = first ? range.offset : std::min(extent.begin, range.offset);
    extent.end = std::max(extent.end, *end);
  }
  return extents;
}

std::vector<TensorRange> in_file_order(std::span<const TensorRange> ranges) {
  std::vector<TensorRange> sorted(ranges.begin(), ranges.end());
  std::sort(sorted.begin(), sorted.end(), [](const TensorRange& a, const TensorRange& b) {
    return std::tie(a.part, a.offset) < std::tie(b.part, b.offset);
  });
  return sorted;
}

}  // namespace weighbridge
