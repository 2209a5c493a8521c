// What this machine lets us measure. Asks, changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../io.h"

namespace weighbridge {

struct Capability {
  bool supported;
  std::optional<Reason> reason;  // set when it is not
};

Capability cachestat_capability();          // syscall present
Capability io_uring_capability();           // a ring could be set up (and torn down)
Capability populate_read_capability();      // MADV_POPULATE_READ

struct FileFacts {
  std::string file_system;  // as the kernel names it: "ext4", "tmpfs", "overlay", "fuse.sshfs", …; else its hex magic
  std::string device;       // "/dev/vda", "server:/export" or "254:0"; empty if none
  bool may_verify;          // owner or writer: cachestat and mincore tell the truth
  bool direct_io;           // O_DIRECT opens and reaches a device (tmpfs opens, and does not)
  // statx(STATX_DIOALIGN), bytes; absent before Linux 6.1
  std::optional<uint32_t> direct_memory_alignment, direct_offset_alignment;
};
// Throws Error where the path cannot be opened.
FileFacts file_facts(const std::string& path);
uint64_t locked_memory_limit();   // RLIMIT_MEMLOCK soft, UINT64_MAX when unlimited

}  // namespace weighbridge
