// Anonymous memory that is there, page by page, before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "threads.h"

namespace weighbridge::kernel {

// Throws Error code out-of-memory where `bytes` more would exceed what the machine or this process's control groups
// have to give without taking from other programs: touching them would get the process killed. A guess where others
// allocate at the same time.
void require_available(uint64_t bytes, const char* what);

// Zeroed, page-aligned and touched: no later access faults. In transparent huge pages where the system gives them to
// those who ask (madvise(2), MADV_HUGEPAGE): fewer faults to set up and fewer translations to look up later, in the same
// number of bytes. Throws Error code out-of-memory.
class TouchedMemory {
 public:
  TouchedMemory() = default;
  // Each thread touches its part.
  TouchedMemory(uint64_t bytes, ThreadPool& pool);
  TouchedMemory(TouchedMemory&& other) noexcept
      : mapping_(std::exchange(other.mapping_, nullptr)),
        mapped_(std::exchange(other.mapped_, 0)),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  TouchedMemory& operator=(TouchedMemory&& other) noexcept {
    std::swap(mapping_, other.mapping_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~TouchedMemory();

  std::byte* data() const noexcept { return data_; }
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  void* mapping_ = nullptr;
  uint64_t mapped_ = 0;
  std::byte* data_ = nullptr;  // from the first whole huge page of the mapping on, where it has one
  uint64_t bytes_ = 0;
};

}  // namespace weighbridge::kernel
