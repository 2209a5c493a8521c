#include "page_cache.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "byte_sum.h"
#include "cachestat.h"
#include "file_map.h"
#include "helper_process.h"
#include "machine.h"

namespace weighbridge {

namespace {

constexpr uint64_t warm_read_bytes = 1 << 20;

// Walks the mapping in windows of 1 GiB, so that the answer of mincore(2), a byte a page, stays small.
uint64_t resident_pages_by_mincore(const FileDescriptor& file, uint64_t size, const std::string& path,
                                   bool& last_page) {
  const FileMap map(file, size, 0, path);
  const uint64_t page = page_size();
  const uint64_t window = uint64_t{1} << 30;
  std::vector<unsigned char> flags(std::min(window, round_up(size, page)) / page);
  uint64_t pages = 0;
  for (uint64_t at = 0; at < size; at += window) {
    const uint64_t length = std::min(window, size - at);
    if (::mincore(map.data() + at, length, flags.data()) != 0) throw_errno("mincore", path);
    const uint64_t count = round_up(length, page) / page;
    for (uint64_t index = 0; index < count; ++index) pages += flags[index] & 1;
    last_page = (flags[count - 1] & 1) != 0;
  }
  return pages;
}

struct Reading {
  uint64_t resident;
  ResidencySource source;
};

// Whole pages, the last one only as far as the file reaches.
uint64_t bytes_of_pages(uint64_t pages, bool last_page, uint64_t size) {
  const uint64_t page = page_size();
  const uint64_t beyond = round_up(size, page) - size;
  return std::min(size, pages * page - (last_page ? beyond : 0));
}

Reading read_one(const std::string& path, const FileDescriptor& file, uint64_t size) {
  if (size == 0) return {0, ResidencySource::cachestat};
  const uint64_t page = page_size();
  const CachedPages all = cached_pages(file, 0, size);
  if (all.error_number == 0) {
    const uint64_t last = round_down(size - 1, page);
    const CachedPages end = cached_pages(file, last, size - last);
    return {bytes_of_pages(all.pages, end.pages > 0, size), ResidencySource::cachestat};
  }
  // Where cachestat is not there for any file, or does not see a file system's pages, mincore decides, and it tells the
  // truth to those only who own the file or may write it. The kernel's refusal for this file (EPERM) is final.
  if (!file_facts(path).may_verify) return {0, ResidencySource::none};
  bool last_page = false;
  const uint64_t pages = resident_pages_by_mincore(file, size, path, last_page);
  return {bytes_of_pages(pages, last_page, size), ResidencySource::mincore};
}

void evict_one(const std::string& path, const FileDescriptor& file) {
  // Dirty pages stay in the cache, so they are written first. Linux needs no write permission for it; a read-only file
  // system has nothing to write and says EROFS or EINVAL.
  if (::fsync(file.get()) != 0 && errno != EROFS && errno != EINVAL) throw_errno("fsync", path);
  const int refused = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (refused != 0) throw Error(reason_from_errno(refused, "posix_fadvise", path));
}

[[noreturn]] void throw_changed(const char* operation, const std::string& path) {
  throw Error(Reason{.code = "file-changed",
                     .operation = operation,
                     .path = path,
                     .message = "the file was cut while it was brought into the page cache",
                     .remedy = "let nothing write to a model while it is weighed"});
}

void read_through(const std::string& path, const FileDescriptor& file, std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got == 0) return;
    if (got < 0 && errno != EINTR) throw_errno("read", path);
  }
}

// Touches every page of the mapping in a process of its own: where the file was cut meanwhile, the touch is a SIGBUS
// (mmap(2)), which must not end this process.
void sum_in_helper(const std::string& path, std::span<const std::byte> bytes) {
  byte_sum({});  // chooses the instruction set here: the helper must not meet a lock that another thread held
  const pid_t helper = fork_helper({}, [bytes]() noexcept {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // no core file
    volatile uint64_t sink = byte_sum(bytes);
    static_cast<void>(sink);
    return 0;
  });
  const int status = wait_for_helper(helper);
  if (status == 0) return;
  const bool by_signal = status > 0 && WIFSIGNALED(status);
  if (by_signal && WTERMSIG(status) == SIGBUS) throw_changed("warm", path);
  throw Error(Reason{.code = by_signal && WTERMSIG(status) == SIGKILL ? "out-of-memory" : "helper-died",
                     .operation = "warm",
                     .path = path,
                     .message = by_signal
                                    ? "the process that touched the file was ended by signal " +
                                          std::to_string(WTERMSIG(status))
                                    : "the process that touched the file ended with wait status " +
                                          std::to_string(status)});
}

// madvise(2), Linux 5.14: EFAULT where touching would be a SIGBUS. Older kernels refuse with EINVAL and have only
// MAP_POPULATE, which brings in the same pages and tells nothing.
void populate(const std::string& path, const FileDescriptor& file, std::vector<FileMap>& maps, uint64_t size) {
  constexpr int madv_populate_read = 22;
  const FileMap& map = maps.emplace_back(file, size, 0, path);
  int refused = 0;
  do {
    refused = ::madvise(map.data(), size, madv_populate_read) == 0 ? 0 : errno;
  } while (refused == EINTR || refused == EAGAIN);
  if (refused == 0) return;
  if (refused == EFAULT) throw_changed("hold", path);
  if (refused != EINVAL) throw Error(reason_from_errno(refused, "madvise", path));
  maps.pop_back();
  maps.emplace_back(file, size, MAP_POPULATE, path);
}

}  // namespace

Residency residency(std::span<const std::string> paths) {
  Residency total = {0, 0, ResidencySource::cachestat};
  for (const std::string& path : paths) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    const uint64_t size = regular_file_size(file, path);
    const Reading reading = read_one(path, file, size);
    total.resident += reading.resident;
    total.size += size;
    total.source = std::max(total.source, reading.source);
  }
  if (total.source == ResidencySource::none) total.resident = 0;
  return total;
}

void evict(std::span<const std::string> paths) {
  for (const std::string& path : paths) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    regular_file_size(file, path);
    evict_one(path, file);
  }
}

void warm(std::span<const std::string> paths) {
  evict(paths);
  std::vector<std::byte> buffer(warm_read_bytes);
  for (const std::string& path : paths) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    const uint64_t size = regular_file_size(file, path);
    read_through(path, file, buffer);
    if (size == 0) continue;
    sum_in_helper(path, FileMap(file, size, 0, path).bytes());
  }
}

struct Hold::State {
  std::vector<FileMap> maps;
};

Hold::Hold(std::span<const std::string> paths) : state_(std::make_unique<State>()) {
  for (const std::string& path : paths) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    const uint64_t size = regular_file_size(file, path);
    if (size > 0) populate(path, file, state_->maps, size);
  }
}

Hold::~Hold() = default;

}  // namespace weighbridge
