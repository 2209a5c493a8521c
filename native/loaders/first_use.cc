#include "first_use.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "../io.h"
#include "../probes/process.h"

namespace weighbridge {

namespace {

constexpr uint64_t pages = 32;

// Linux 6.3, which refuses one that could be executed where vm.memfd_noexec says so; older headers do not have it.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

FileDescriptor memory_file() {
  const char* const name = "weighbridge-first-use";
  const int file = ::memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  return FileDescriptor(file < 0 && errno == EINVAL ? ::memfd_create(name, MFD_CLOEXEC) : file);
}

}  // namespace

std::optional<int64_t> first_use_ns() noexcept {
  const uint64_t bytes = pages * page_size();
  const FileDescriptor file = memory_file();
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return std::nullopt;
  const char written = 1;
  for (uint64_t at = 0; at < bytes; at += page_size()) {
    if (::pwrite(file.get(), &written, 1, static_cast<off_t>(at)) != 1) return std::nullopt;
  }
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (mapped == MAP_FAILED) return std::nullopt;
  const int64_t began = thread_cpu_ns();
  for (uint64_t at = 0; at < bytes; at += page_size()) {
    static_cast<void>(*(static_cast<const volatile std::byte*>(mapped) + at));
  }
  const int64_t took = thread_cpu_ns() - began;
  ::munmap(mapped, bytes);
  return took / static_cast<int64_t>(pages);
}

}  // namespace weighbridge
