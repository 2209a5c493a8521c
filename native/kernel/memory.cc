#include "memory.h"

#include <sys/mman.h>

#include <cstring>
#include <string>

#include "../io.h"

namespace weighbridge::kernel {

TouchedMemory::TouchedMemory(uint64_t bytes, const char* what) {
  constexpr const char* remedy = "use a shorter context or fewer tokens a batch";
  const uint64_t physical = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
  if (bytes > physical) {
    throw Error(Reason{.code = "out-of-memory",
                       .operation = "allocate",
                       .message = std::string(what) + " of " + std::to_string(bytes) + " bytes exceeds this machine's memory",
                       .remedy = remedy});
  }
  if (bytes == 0) return;
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw_errno("mmap", "", "out-of-memory", remedy);
  data_ = static_cast<std::byte*>(data);
  bytes_ = bytes;
  // A write to each page; the zeroes are there already.
  std::memset(data_, 0, bytes_);
}

TouchedMemory::~TouchedMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace weighbridge::kernel
