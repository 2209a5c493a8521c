#include "mapping.h"

#include <sys/mman.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace weighbridge {

namespace {

// A file that can be opened and not be mapped lies on a file system that does not map (mmap(2): ENODEV, EACCES, EPERM).
Reason refusal(int error_number, const Part& part) {
  if (error_number != ENODEV && error_number != EACCES && error_number != EPERM) {
    return reason_from_errno(error_number, "mmap", part.path);
  }
  return Reason{.code = "unsupported-by-file-system",
                .operation = "mmap",
                .path = part.path,
                .error_number = error_number,
                .message = "the file system does not let this file be mapped",
                .remedy = "copy the model to a file system that maps, such as ext4 or xfs"};
}

bool overlaps(std::span<const Mapping> mappings, uint64_t begin, uint64_t end) {
  return std::any_of(mappings.begin(), mappings.end(), [&](const Mapping& mapping) {
    const auto first = reinterpret_cast<uintptr_t>(mapping.memory().data());
    return begin < first + mapping.memory().size() && first < end;
  });
}

// The first number of a file of sysfs.
std::optional<uint64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

}  // namespace

Mapping::Mapping(const FileDescriptor& file, const Part& part, int protection, int flags) {
  if (part.bytes == 0) return;
  void* const mapped = ::mmap(nullptr, part.bytes, protection, flags, file.get(), 0);
  if (mapped == MAP_FAILED) throw Error(refusal(errno, part));
  base_ = static_cast<std::byte*>(mapped);
  mapped_ = {0, round_up(part.bytes, page_size())};
}

Mapping::~Mapping() {
  if (mapped_.bytes() > 0) ::munmap(base_ + mapped_.begin, mapped_.bytes());
}

void Mapping::unmap(uint64_t begin, uint64_t end, const Part& part) {
  if (begin < end && ::munmap(base_ + begin, end - begin) != 0) throw_errno("munmap", part.path);
}

uint64_t Mapping::keep_only(const Extent& wanted, const Part& part) {
  const uint64_t before = mapped_.bytes();
  if (before == 0) return 0;
  const uint64_t begin = std::max(mapped_.begin, round_down(wanted.begin, page_size()));
  const uint64_t end = std::min(mapped_.end, round_up(wanted.end, page_size()));
  unmap(mapped_.begin, begin, part);
  mapped_.begin = begin;
  unmap(end, mapped_.end, part);
  mapped_.end = end;
  return before - mapped_.bytes();
}

std::optional<Reason> mapping_unsupported(const Part& part, int flags) {
  const FileDescriptor file = open_file(part.path, O_RDONLY);
  try {
    const Mapping page(file, Part{part.path, std::min(part.bytes, page_size())}, PROT_READ, flags);
  } catch (const Error& error) {
    return error.reason();
  }
  return std::nullopt;
}

std::optional<Reason> advice_unsupported(int advice, const char* code, const char* message) {
  void* const page = ::mmap(nullptr, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  const int error_number = ::madvise(page, page_size(), advice) == 0 ? 0 : errno;
  ::munmap(page, page_size());
  if (error_number == 0) return std::nullopt;
  return Reason{.code = code, .operation = "madvise", .error_number = error_number, .message = message};
}

std::optional<MappingFacts> mapping_facts(std::span<const Mapping> mappings) {
  std::ifstream smaps("/proc/self/smaps");
  if (!smaps) return std::nullopt;
  MappingFacts facts = {};
  std::string line;
  uint64_t size = 0;
  bool ours = false;
  while (std::getline(smaps, line)) {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t kibibytes = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " ", &begin, &end) == 2) {
      ours = overlaps(mappings, begin, end);
      size = end - begin;
    } else if (!ours) {
      continue;
    } else if (std::sscanf(line.c_str(), "FilePmdMapped: %" SCNu64, &kibibytes) == 1 ||
               std::sscanf(line.c_str(), "ShmemPmdMapped: %" SCNu64, &kibibytes) == 1) {
      facts.huge_file += kibibytes * 1024;
    } else if (std::sscanf(line.c_str(), "Anonymous: %" SCNu64, &kibibytes) == 1) {
      facts.anonymous += kibibytes * 1024;
    } else if (line.starts_with("VmFlags:") && (line + ' ').find(" lo ") != std::string::npos) {
      facts.locked += size;
    }
  }
  return facts;
}

std::optional<uint64_t> read_ahead_cap(const std::string& path, bool sequential) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  const std::string device = std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  const std::optional<uint64_t> window = number_in("/sys/class/bdi/" + device + "/read_ahead_kb");
  // A partition has no queue of its own: its disk is the folder above.
  const std::filesystem::path block = "/sys/dev/block/" + device;
  std::optional<uint64_t> request = number_in(block / "queue/max_sectors_kb");
  if (!request) request = number_in(block / "../queue/max_sectors_kb");
  if (!window || !request) return std::nullopt;
  return std::max(*window * (sequential ? 2 : 1), *request) * 1024;
}

}  // namespace weighbridge
