// Anonymous memory that is there, page by page, before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weighbridge::kernel {

// Zeroed, page-aligned and touched: no later access faults. Throws Error code out-of-memory, also for more than the
// machine has: touching that would get the process killed.
class TouchedMemory {
 public:
  TouchedMemory() = default;
  TouchedMemory(uint64_t bytes, const char* what);
  TouchedMemory(TouchedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  TouchedMemory& operator=(TouchedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~TouchedMemory();

  std::byte* data() const noexcept { return data_; }
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace weighbridge::kernel
