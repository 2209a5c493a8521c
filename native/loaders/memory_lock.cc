#include "memory_lock.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <string>

namespace weighbridge {

namespace {

// Both by number: glibc knows mlock2 only since 2.27, and under a sanitizer the library's mlock does nothing.
int lock_now(void* memory, uint64_t bytes) { return static_cast<int>(::syscall(SYS_mlock, memory, bytes)); }
int mlock2(void* memory, uint64_t bytes, unsigned flags) {
  return static_cast<int>(::syscall(SYS_mlock2, memory, bytes, flags));
}

Reason not_permitted(uint64_t bytes, int error_number) {
  rlimit limit = {};
  std::string allowed = "unknown";
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    allowed = limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur) + " bytes";
  }
  return Reason{.code = "not-permitted",
                .operation = "mlock",
                .error_number = error_number,
                .message = std::to_string(bytes) + " bytes may not be locked; the limit RLIMIT_MEMLOCK is " + allowed,
                .remedy = "raise it (ulimit -l unlimited), or give the node program the right: "
                          "sudo setcap cap_ipc_lock+ep NODE"};
}

}  // namespace

// The limit is counted over what is marked, not over what is present, so that address space without pages asks the
// exact question; a capability seen in /proc would not, since within a user namespace it does not count.
std::optional<Reason> lock_unsupported(uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  void* const space = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  const int error_number = mlock2(space, bytes, MLOCK_ONFAULT) == 0 ? 0 : errno;
  ::munmap(space, bytes);
  if (error_number == 0) return std::nullopt;
  if (error_number == ENOMEM || error_number == EPERM) return not_permitted(bytes, error_number);
  return reason_from_errno(error_number, "mlock2", "");
}

void lock(const Mapping& mapping, const Part& part, LockMode mode) {
  const std::span<std::byte> memory = mapping.memory();
  if (memory.empty()) return;
  const int result = mode == LockMode::all ? lock_now(memory.data(), memory.size())
                                           : mlock2(memory.data(), memory.size(), MLOCK_ONFAULT);
  if (result == 0) return;
  const int error_number = errno;
  // mlock(2) says ENOMEM for the limit and for memory that ran out.
  if (error_number == ENOMEM || error_number == EPERM) {
    if (std::optional<Reason> reason = lock_unsupported(memory.size())) throw Error(std::move(*reason));
  }
  const char* const operation = mode == LockMode::all ? "mlock" : "mlock2";
  if (error_number == EPERM) throw Error(not_permitted(memory.size(), error_number));
  throw Error(reason_from_errno(error_number, operation, part.path));
}

}  // namespace weighbridge
