// Anonymous memory of a chosen page size, for measurements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "../io.h"

namespace weighbridge {

enum class PageKind { small, huge };

constexpr uint64_t huge_page_size = 2 << 20;
constexpr uint64_t page_bytes_of(PageKind pages) { return pages == PageKind::huge ? huge_page_size : 4096; }

// A private anonymous mapping that begins at a multiple of 2 MiB; not touched. Small pages are asked for with
// MADV_NOHUGEPAGE, huge ones with MADV_HUGEPAGE, which a kernel without transparent huge pages refuses: all_huge()
// tells what was had once the memory was touched. Throws Error out-of-memory.
class Region {
 public:
  Region() = default;
  Region(uint64_t bytes, PageKind pages);
  Region(Region&& other) noexcept
      : reserved_(std::exchange(other.reserved_, nullptr)),
        reserved_bytes_(other.reserved_bytes_),
        data_(other.data_),
        bytes_(other.bytes_) {}
  Region& operator=(Region&&) = delete;
  ~Region();

  std::span<std::byte> memory() const noexcept { return {data_, bytes_}; }
  // Read back from the kernel: all of it lies in 2 MiB pages.
  bool all_huge() const;

 private:
  void* reserved_ = nullptr;
  uint64_t reserved_bytes_ = 0;
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace weighbridge
