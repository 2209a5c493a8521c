#include "first_use.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "../io.h"
#include "../probes/process.h"

namespace weighbridge {

namespace {

constexpr uint64_t pages = 32;

}  // namespace

int64_t first_use_ns() noexcept {
  const uint64_t bytes = pages * page_size();
  const FileDescriptor file(::memfd_create("weighbridge-first-use", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return 0;
  const char written = 1;
  for (uint64_t at = 0; at < bytes; at += page_size()) {
    if (::pwrite(file.get(), &written, 1, static_cast<off_t>(at)) != 1) return 0;
  }
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (mapped == MAP_FAILED) return 0;
  const int64_t began = thread_cpu_ns();
  for (uint64_t at = 0; at < bytes; at += page_size()) {
    static_cast<void>(*(static_cast<const volatile std::byte*>(mapped) + at));
  }
  const int64_t took = thread_cpu_ns() - began;
  ::munmap(mapped, bytes);
  return took / static_cast<int64_t>(pages);
}

}  // namespace weighbridge
