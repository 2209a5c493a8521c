#include "direct_io.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace weighbridge {

namespace {

// include/uapi/linux/stat.h; spelt out because headers before 6.1 lack them.
constexpr unsigned statx_dioalign = 0x2000;
constexpr size_t memory_alignment_at = 0x98;  // stx_dio_mem_align
constexpr size_t offset_alignment_at = 0x9c;  // stx_dio_offset_align

// include/uapi/linux/magic.h
constexpr uint32_t tmpfs_magic = 0x01021994;
constexpr uint32_t ramfs_magic = 0x858458f6;
constexpr uint32_t hugetlbfs_magic = 0x958458f6;
constexpr uint32_t btrfs_magic = 0x9123683e;
constexpr uint32_t overlay_magic = 0x794c7630;

constexpr int madv_populate_write = 23;  // include/uapi/asm-generic/mman-common.h, Linux 5.14

Reason refusal(const std::string& path, const char* operation, int error_number, std::string message) {
  return Reason{.code = "direct-io-unsupported",
                .operation = operation,
                .path = path,
                .error_number = error_number,
                .message = std::move(message),
                .remedy = "copy the model to a file system with direct I/O, such as ext4 or xfs"};
}

struct Reported {
  uint32_t memory;
  uint32_t offset;
};

// Both are 0 where the file has no direct I/O; std::nullopt where the kernel or the file system does not say.
std::optional<Reported> reported_alignment(const FileDescriptor& file) {
  struct statx status = {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, statx_dioalign, &status) != 0) return std::nullopt;
  if ((status.stx_mask & statx_dioalign) == 0) return std::nullopt;
  Reported reported = {};
  const auto* bytes = reinterpret_cast<const unsigned char*>(&status);
  std::memcpy(&reported.memory, bytes + memory_alignment_at, sizeof reported.memory);
  std::memcpy(&reported.offset, bytes + offset_alignment_at, sizeof reported.offset);
  return reported;
}

// Whether a part of the file does not lie in blocks of its own as it is, but compressed or inside of metadata. File
// systems then read through the page cache whatever the open asked for (btrfs, ext4). From FIEMAP
// (Documentation/filesystems/fiemap.rst); false where the file system has none.
bool is_encoded(const FileDescriptor& file) noexcept {
  constexpr uint32_t extents_each = 64;
  constexpr size_t bytes = sizeof(struct fiemap) + extents_each * sizeof(struct fiemap_extent);
  alignas(struct fiemap) std::array<std::byte, bytes> memory;
  for (uint64_t from = 0;;) {
    memory = {};
    auto* const map = reinterpret_cast<struct fiemap*>(memory.data());
    map->fm_start = from;
    map->fm_length = FIEMAP_MAX_OFFSET - from;
    map->fm_extent_count = extents_each;
    if (::ioctl(file.get(), FS_IOC_FIEMAP, map) != 0) return false;
    const uint32_t found = std::min(map->fm_mapped_extents, extents_each);
    for (uint32_t index = 0; index < found; ++index) {
      const struct fiemap_extent& extent = map->fm_extents[index];
      if ((extent.fe_flags & (FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE)) != 0) return true;
      if ((extent.fe_flags & FIEMAP_EXTENT_LAST) != 0) return false;
      from = extent.fe_logical + extent.fe_length;
    }
    if (found < extents_each) return false;
  }
}

bool wants_touched_memory(const FileDescriptor& file) noexcept {
  struct statfs system = {};
  if (::fstatfs(file.get(), &system) != 0) return false;
  const auto magic = static_cast<uint32_t>(system.f_type);
  return magic == btrfs_magic || magic == overlay_magic;  // overlayfs does not tell what lies below
}

struct Opened {
  FileDescriptor file;
  std::optional<Reason> refused;
};

Opened try_open(const std::string& path) {
  FileDescriptor file = open_file(path, O_RDONLY);
  regular_file_size(file, path);
  struct statfs system = {};
  if (::fstatfs(file.get(), &system) != 0) throw_errno("fstatfs", path);
  const auto magic = static_cast<uint32_t>(system.f_type);
  if (magic == tmpfs_magic || magic == ramfs_magic || magic == hugetlbfs_magic) {
    return {{}, refusal(path, "fstatfs", 0, "the file lies in memory (tmpfs): there is no device to read from")};
  }
  const std::optional<Reported> reported = reported_alignment(file);
  if (reported && (reported->memory == 0 || reported->offset == 0)) {
    return {{}, refusal(path, "statx", 0, "the file system reports that this file has no direct I/O")};
  }
  if (is_encoded(file)) {
    return {{}, refusal(path, "ioctl", 0, "the file is held compressed, which is read through the page cache alone")};
  }
  // Opened anew: the descriptor above only answered questions that an O_DIRECT open may refuse to answer.
  int fd = -1;
  do {
    fd = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    if (errno != EINVAL && errno != EOPNOTSUPP) throw_errno("open", path);
    return {{}, refusal(path, "open", errno, "the file system does not open files with O_DIRECT")};
  }
  return {FileDescriptor(fd), std::nullopt};
}

}  // namespace

std::optional<Reason> direct_io_unsupported(const std::string& path) { return try_open(path).refused; }

FileDescriptor open_direct(const std::string& path) {
  Opened opened = try_open(path);
  if (opened.refused) throw Error(*opened.refused);
  return std::move(opened.file);
}

DirectAlignment direct_alignment(const FileDescriptor& file, const std::string& path) {
  const bool touched = wants_touched_memory(file);
  const std::optional<Reported> reported = reported_alignment(file);
  if (!reported) return DirectAlignment{page_size(), page_size(), false, touched};
  if (!std::has_single_bit(reported->memory) || !std::has_single_bit(reported->offset)) {
    throw Error(refusal(path, "statx", 0, "the file system reports an alignment that is not a power of two"));
  }
  return DirectAlignment{reported->memory, reported->offset, true, touched};
}

void touch_for_direct(const DirectAlignment& alignment, std::span<std::byte> memory) noexcept {
  if (!alignment.touched || memory.empty()) return;
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  const uintptr_t begin = round_down(address, page_size());
  ::madvise(memory.data() - (address - begin), address + memory.size() - begin, madv_populate_write);
}

}  // namespace weighbridge
