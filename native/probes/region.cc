#include "region.h"

#include <sys/mman.h>

#include "huge_pages.h"

namespace weighbridge {

Region::Region(uint64_t bytes, PageKind pages) {
  const std::optional<uint64_t> padded = checked_add(bytes, 2 * huge_page_size);
  if (!padded) throw Error(Reason{.code = "out-of-memory", .operation = "mmap", .message = "out of memory"});
  bytes_ = round_up(bytes, huge_page_size);
  reserved_bytes_ = bytes_ + huge_page_size;
  void* const mapped = ::mmap(nullptr, reserved_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  reserved_ = mapped;
  data_ = reinterpret_cast<std::byte*>(round_up(reinterpret_cast<uintptr_t>(mapped), huge_page_size));
  ::madvise(data_, bytes_, pages == PageKind::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

Region::~Region() {
  if (reserved_ != nullptr) ::munmap(reserved_, reserved_bytes_);
}

bool Region::all_huge() const { return bytes_ > 0 && huge_page_bytes(memory()) >= bytes_; }

}  // namespace weighbridge
