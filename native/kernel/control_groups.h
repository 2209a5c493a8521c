// What the control groups of this process leave it, where they limit it. Source: the kernel's
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, scheduler/sched-bwc.rst.
#pragma once

#include <cstdint>
#include <optional>

namespace weighbridge {

// Bytes below the tightest memory limit that are not anonymous memory already; page cache is taken for reclaimable.
std::optional<uint64_t> control_group_memory();

// The tightest quota of processor time, in processors: 1.5 is three half-used ones.
std::optional<double> control_group_processors();

}  // namespace weighbridge
