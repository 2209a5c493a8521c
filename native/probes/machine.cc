#include "machine.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cachestat.h"
#include "direct_io.h"
#include "uring.h"

namespace weighbridge {

namespace {

// include/uapi/asm-generic/mman-common.h (Linux 5.14) and include/uapi/linux/stat.h (5.8), for older headers.
constexpr int madv_populate_read = 22;
constexpr unsigned statx_mnt_id = 0x1000;
constexpr size_t mount_id_at = 0x90;  // stx_mnt_id

Capability supported() { return {true, std::nullopt}; }

// cachestat(2) answers for itself. Where there is none (or a seccomp filter refuses the whole call), what mincore(2)
// asks for: ownership or write permission (mm/mincore.c, can_do_mincore). CAP_FOWNER is not asked about: it holds for
// owners that are mapped into this process's user namespace only, and that cannot be seen from here.
bool may_verify(const FileDescriptor& file, const std::string& path, const struct stat& status) {
  const int refused = cached_pages(file, 0, 1).error_number;
  if (refused == 0 || refused == ENODATA) return true;
  if (refused == EPERM && cachestat_capability().supported) return false;
  return status.st_uid == ::geteuid() || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

struct Mount {
  std::string file_system;
  std::string source;
};

// The line of /proc/self/mountinfo with that mount's id (man 5 proc): "36 35 98:0 /mnt1 /mnt2 … - ext3 /dev/root rw".
std::optional<Mount> mount_of(const FileDescriptor& file) {
  struct statx status = {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, statx_mnt_id, &status) != 0) return std::nullopt;
  if ((status.stx_mask & statx_mnt_id) == 0) return std::nullopt;
  uint64_t id = 0;
  std::memcpy(&id, reinterpret_cast<const unsigned char*>(&status) + mount_id_at, sizeof id);
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    const size_t separator = line.find(" - ");
    uint64_t this_id = 0;
    if (separator == std::string::npos || !(std::istringstream(line) >> this_id) || this_id != id) continue;
    Mount mount;
    std::istringstream(line.substr(separator + 3)) >> mount.file_system >> mount.source;
    return mount;
  }
  return std::nullopt;
}

std::string magic_name(const FileDescriptor& file, const std::string& path) {
  struct statfs system = {};
  if (::fstatfs(file.get(), &system) != 0) throw_errno("fstatfs", path);
  std::array<char, 24> hex;
  std::snprintf(hex.data(), hex.size(), "0x%lx", static_cast<unsigned long>(system.f_type));
  return hex.data();
}

// "/dev/vda" from the kernel's own name of a block device, else its numbers. A file system without a block device has
// major number 0; its source then names where the bytes are, unless it is only a word such as "tmpfs".
std::string device_name(const struct stat& status, const std::optional<Mount>& mount) {
  const unsigned major_number = major(status.st_dev);
  if (major_number == 0) {
    const bool place = mount && (mount->source.starts_with('/') || mount->source.find(':') != std::string::npos);
    return place ? mount->source : std::string();
  }
  const std::string numbers = std::to_string(major_number) + ":" + std::to_string(minor(status.st_dev));
  std::ifstream uevent("/sys/dev/block/" + numbers + "/uevent");
  std::string line;
  constexpr std::string_view key = "DEVNAME=";
  while (std::getline(uevent, line)) {
    if (line.starts_with(key)) return "/dev/" + line.substr(key.size());
  }
  return numbers;
}

}  // namespace

Capability cachestat_capability() {
  const CachedPages answer = cached_pages(FileDescriptor(), 0, 1);
  if (answer.error_number == EBADF) return supported();
  return {false, reason_from_errno(answer.error_number, "cachestat", "", "unsupported-by-kernel",
                                   "use Linux 6.5 or newer; residency is read by mincore until then")};
}

Capability io_uring_capability() {
  try {
    const Uring ring(4);
    return supported();
  } catch (const Error& error) {
    return {false, error.reason()};
  }
}

Capability populate_read_capability() {
  const uint64_t page = page_size();
  void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  const int error_number = ::madvise(memory, page, madv_populate_read) == 0 ? 0 : errno;
  ::munmap(memory, page);
  if (error_number == 0) return supported();
  return {false, reason_from_errno(error_number, "madvise", "", "unsupported-by-kernel", "use Linux 5.14 or newer")};
}

FileFacts file_facts(const std::string& path) {
  const FileDescriptor file = open_file(path, O_RDONLY);
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) throw_errno("fstat", path);
  const std::optional<Mount> mount = mount_of(file);
  FileFacts facts = {.file_system = mount ? mount->file_system : magic_name(file, path),
                     .device = device_name(status, mount),
                     .may_verify = may_verify(file, path, status),
                     .direct_io = false,
                     .direct_memory_alignment = std::nullopt,
                     .direct_offset_alignment = std::nullopt};
  if (!S_ISREG(status.st_mode)) return facts;
  facts.direct_io = !direct_io_unsupported(path);
  if (!facts.direct_io) return facts;
  const DirectAlignment alignment = direct_alignment(file, path);
  if (alignment.reported) {
    facts.direct_memory_alignment = static_cast<uint32_t>(alignment.memory);
    facts.direct_offset_alignment = static_cast<uint32_t>(alignment.offset);
  }
  return facts;
}

uint64_t locked_memory_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) throw_errno("getrlimit", "");
  return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : static_cast<uint64_t>(limit.rlim_cur);
}

}  // namespace weighbridge
