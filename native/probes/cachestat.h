// cachestat(2), Linux 6.5: counts the page-cache pages of a file range without touching them.
#pragma once

#include <cstdint>

#include "../io.h"

namespace weighbridge {

struct CachedPages {
  uint64_t pages;
  int error_number;  // 0 where the count is valid; else errno, ENOSYS before Linux 6.5
};

// Of the pages that [offset, offset + bytes) touches; bytes > 0.
CachedPages cached_pages(const FileDescriptor& file, uint64_t offset, uint64_t bytes) noexcept;

}  // namespace weighbridge
