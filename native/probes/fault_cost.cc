#include "fault_cost.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "../io.h"
#include "file_map.h"
#include "process.h"

namespace weighbridge {

namespace {

constexpr size_t mmap_calls = 501;

}  // namespace

FaultCost fault_cost(const std::string& path, uint64_t begin, uint64_t bytes) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  const uint64_t size = regular_file_size(file, path);
  const std::optional<uint64_t> end = checked_add(begin, bytes);
  if (!end || *end > size) {
    throw Error(Reason{.code = "file-changed",
                       .operation = "fault cost",
                       .path = path,
                       .message = "the file is shorter than it was",
                       .remedy = "let nothing write to it while it is measured"});
  }
  const FileMap map(file, size, 0, path);
  const auto* const data = reinterpret_cast<const volatile unsigned char*>(map.data());
  rusage before = {};
  rusage after = {};
  ::getrusage(RUSAGE_THREAD, &before);
  const int64_t start = now_ns();
  for (uint64_t at = begin; at < *end; at += page_size()) static_cast<void>(data[at]);
  const int64_t stop = now_ns();
  ::getrusage(RUSAGE_THREAD, &after);
  return {static_cast<uint64_t>(stop - start), static_cast<uint64_t>(after.ru_minflt - before.ru_minflt),
          static_cast<uint64_t>(after.ru_majflt - before.ru_majflt)};
}

uint64_t mmap_call_ns(const std::string& path) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  const uint64_t size = regular_file_size(file, path);
  std::vector<uint64_t> took;
  took.reserve(mmap_calls);
  for (size_t call = 0; call < mmap_calls; ++call) {
    const int64_t start = now_ns();
    const FileMap map(file, size, 0, path);
    took.push_back(static_cast<uint64_t>(now_ns() - start));
  }
  std::nth_element(took.begin(), took.begin() + mmap_calls / 2, took.end());
  return took[mmap_calls / 2];
}

}  // namespace weighbridge
