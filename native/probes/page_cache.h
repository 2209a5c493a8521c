// The page cache of a model's files: asked, emptied, filled and held.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "../io.h"

namespace weighbridge {

enum class ResidencySource { cachestat, mincore, none };

struct Residency {
  uint64_t resident;  // bytes of the files in the page cache, whole pages, cut to the file's size at its end
  uint64_t size;      // bytes of the files
  ResidencySource source;  // none: not permitted to know (neither owner nor writable), resident is meaningless then
};

// cachestat(2) where there is one (Linux 6.5), else, and on overlayfs, mincore(2) over a mapping. Both need ownership or
// write permission; without it cachestat gives EPERM and mincore claims everything: then source is none. Does not change
// the cache.
Residency residency(std::span<const std::string> paths);

// fsync, then posix_fadvise(DONTNEED) over each whole file. Clean, unmapped pages leave; what stays is for residency()
// to tell. Throws Error; a read-only file system that refuses fsync has nothing dirty and is no error.
void evict(std::span<const std::string> paths);

// The canonical warm-up: evict, read(2) each file in 1 MiB calls by this thread into one hot buffer, then map it
// shared, sum every byte once and unmap. A page filled in another way can cost 25 times more at its next touch. Mapped
// and summed in a forked process. Throws Error file-changed where a file is cut meanwhile.
void warm(std::span<const std::string> paths);

// Holds populated shared mappings of the files, since a system may page out page cache that nobody maps. Released by
// destroying it. Throws Error file-changed where a file is cut meanwhile.
class Hold {
 public:
  explicit Hold(std::span<const std::string> paths);
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weighbridge
