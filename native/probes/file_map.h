// A shared read-only mapping of a whole file, for the probes.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "../io.h"

namespace weighbridge {

class FileMap {
 public:
  // `flags` beside MAP_SHARED; bytes > 0. Throws Error (operation "mmap").
  FileMap(const FileDescriptor& file, uint64_t bytes, int flags, const std::string& path) : bytes_(bytes) {
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | flags, file.get(), 0);
    if (mapped == MAP_FAILED) throw_errno("mmap", path);
    data_ = static_cast<std::byte*>(mapped);
  }
  FileMap(FileMap&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  FileMap& operator=(FileMap&&) = delete;
  ~FileMap() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }
  std::byte* data() const noexcept { return data_; }
  std::span<const std::byte> bytes() const noexcept { return {data_, bytes_}; }

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace weighbridge
