#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "../io.h"
#include "control_groups.h"

namespace weighbridge::kernel {

namespace {

constexpr const char* remedy = "use a shorter context or fewer tokens a batch";

// MemAvailable of /proc/meminfo, bytes; see proc_meminfo(5). All memory on kernels before 3.14, which lack it.
uint64_t machine_available() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view key = "MemAvailable:";
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size(), nullptr, 10) * 1024;
  }
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
}

}  // namespace

void require_available(uint64_t bytes, const char* what) {
  const uint64_t available = std::min(machine_available(), control_group_memory().value_or(UINT64_MAX));
  if (bytes <= available) return;
  throw Error(Reason{.code = "out-of-memory",
                     .operation = "allocate",
                     .message = std::string(what) + " of " + std::to_string(bytes) + " bytes exceeds the " +
                                std::to_string(available) + " bytes of memory available",
                     .remedy = remedy});
}

TouchedMemory::TouchedMemory(uint64_t bytes) {
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
