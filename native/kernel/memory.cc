#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include "../io.h"
#include "control_groups.h"

namespace weighbridge::kernel {

namespace {

// Of x86-64, and of arm64 with 4 KiB pages. Where huge pages have another size, the alignment is without effect.
constexpr uint64_t huge_page = 2 << 20;

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

TouchedMemory::TouchedMemory(uint64_t bytes, ThreadPool& pool) {
  if (bytes == 0) return;
  // In less than a huge page none can lie. What lies before and behind the memory used is never touched, so it takes
  // addresses only; the advice parts it from what is used.
  const bool huge = bytes >= huge_page;
  const uint64_t reserved = huge ? checked_add(bytes, huge_page).value_or(UINT64_MAX) : bytes;
  void* mapping = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw_errno("mmap", "", "out-of-memory", remedy);
  mapping_ = mapping;
  mapped_ = reserved;
  const auto begin = reinterpret_cast<uintptr_t>(mapping);
  data_ = reinterpret_cast<std::byte*>(huge ? round_up(begin, huge_page) : begin);
  bytes_ = bytes;
  // A kernel without them says so here, and gives ordinary pages.
  if (huge) ::madvise(data_, bytes_, MADV_HUGEPAGE);
  const uint64_t units = round_up(bytes_, huge_page) / huge_page;
  pool.run([&](uint32_t index) {
    const uint64_t from = units * index / pool.size() * huge_page;
    const uint64_t to = std::min(units * (index + 1) / pool.size() * huge_page, bytes_);
    // A write to each page; the zeroes are there already.
    if (from < to) std::memset(data_ + from, 0, to - from);
  });
}

TouchedMemory::~TouchedMemory() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
}

}  // namespace weighbridge::kernel
