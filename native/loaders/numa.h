// Memory bound to one NUMA node, by raw system calls (no libnuma).
// Source: man 2 mbind, man 2 move_pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../io.h"

namespace weighbridge {

constexpr uint32_t most_numa_nodes = 1024;  // MAX_NUMNODES of common kernels

// Why memory cannot be bound to that node here, or why it would change nothing. Codes numa-unsupported and
// not-permitted.
std::optional<Reason> numa_unsupported(uint32_t node);

// mbind(2) with MPOL_BIND: pages that are touched from now on come from that node alone. Throws Error codes
// numa-unsupported and not-permitted.
void bind_to_node(std::span<std::byte> memory, uint32_t node);

// Where pages lie, asked of one page in each 2 MiB that is there.
struct NodePages {
  uint64_t asked = 0;
  uint64_t on_node = 0;
};
// std::nullopt where the kernel does not tell.
std::optional<NodePages> pages_on_node(std::span<const std::byte> memory, uint32_t node);

}  // namespace weighbridge
