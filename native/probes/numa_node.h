// This process on one NUMA node, by raw system calls (no libnuma).
// Source: man 2 set_mempolicy, man 2 sched_setaffinity, man 7 numa (numa_maps), man 7 cpuset (lists).
#pragma once

#include <cstdint>
#include <optional>

#include "../io.h"

namespace weighbridge {

// Binds the calling thread and all threads that it starts from now on: their new memory comes from that node alone, page
// cache of files that they read included, and they run on its CPUs, where it has some. Pages that are there already stay
// where they are. Returns how many CPUs remain. Throws Error codes numa-unsupported and not-permitted.
uint32_t bind_process_to_node(uint32_t node);

// Mapped bytes of this process that lie on `node` and elsewhere (/proc/self/numa_maps: walks all page tables).
struct NodeBytes {
  uint64_t on_node = 0;
  uint64_t elsewhere = 0;
};
// std::nullopt where the kernel does not tell.
std::optional<NodeBytes> bytes_on_node(uint32_t node);

}  // namespace weighbridge
