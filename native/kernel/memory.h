// Anonymous memory that is there, page by page, before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace weighbridge::kernel {

// Throws Error code out-of-memory where `bytes` more would exceed what the machine or this process's control groups
// have to give without taking from other programs: touching them would get the process killed. A guess where others
// allocate at the same time.
void require_available(uint64_t bytes, const char* what);

// Zeroed, page-aligned and touched: no later access faults. Throws Error code out-of-memory.
class TouchedMemory {
 public:
  TouchedMemory() = default;
  explicit TouchedMemory(uint64_t bytes);
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
