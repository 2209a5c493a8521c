// cachestat(2), Linux 6.5: counts the page-cache pages of a file range without touching them.
#pragma once

#include <cstdint>

#include "../io.h"

namespace weighbridge {

struct CachedPages {
  uint64_t pages;
  // 0 where the count is valid; else errno: ENOSYS before Linux 6.5, EPERM where this process may not know, ENODATA on
  // overlayfs: its pages lie with the file below, where cachestat does not look and mincore does.
  int error_number;
};

// Of the pages that [offset, offset + bytes) touches; bytes > 0.
CachedPages cached_pages(const FileDescriptor& file, uint64_t offset, uint64_t bytes) noexcept;

}  // namespace weighbridge
