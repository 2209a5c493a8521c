// Whether this machine has 2 MiB pages to give: transparent ones, and those of the reserved pool (hugetlb).
#pragma once

#include <cstdint>
#include <optional>

#include "../io.h"

namespace weighbridge {

// Why madvise(MADV_HUGEPAGE) cannot bring 2 MiB pages here: a kernel without them, a system or a process that has them
// switched off. Code huge-pages-unsupported.
std::optional<Reason> transparent_pages_unsupported();

// Pages of the pool that are reserved, free and promised to nobody; 0 where there is no pool.
uint64_t idle_pool_pages();

// Why the pool cannot give that many pages: those that are free, less those promised to others, plus what the kernel
// may add (vm.nr_overcommit_hugepages). With a node, of that node's free pages alone. Code huge-pages-unsupported.
std::optional<Reason> pool_pages_unsupported(uint64_t pages, std::optional<uint32_t> numa_node);

}  // namespace weighbridge
