#include "cachestat.h"

#include <unistd.h>

namespace weighbridge {

namespace {

// include/uapi/linux/mman.h and the unified system call number; spelt out because older headers lack them.
constexpr long cachestat_number = 451;
struct Range {
  uint64_t offset;
  uint64_t length;
};
struct Counts {
  uint64_t cached;
  uint64_t dirty;
  uint64_t writeback;
  uint64_t evicted;
  uint64_t recently_evicted;
};

}  // namespace

CachedPages cached_pages(const FileDescriptor& file, uint64_t offset, uint64_t bytes) noexcept {
  Range range = {offset, bytes};
  Counts counts = {};
  if (::syscall(cachestat_number, file.get(), &range, &counts, 0u) != 0) return {0, errno};
  return {counts.cached, 0};
}

}  // namespace weighbridge
