// What the kernel says about a piece of this process's address space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace weighbridge {

// Bytes of the mappings that overlap `memory` which are mapped by 2 MiB pages (/proc/self/smaps: AnonHugePages,
// ShmemPmdMapped, FilePmdMapped); 0 where smaps cannot be read. Takes milliseconds: never inside a measurement.
uint64_t huge_page_bytes(std::span<const std::byte> memory);

// Of anonymous memory: bytes in 2 MiB pages, transparent or of the reserved pool (AnonHugePages, Private_Hugetlb), at
// most its size, since the kernel may have merged its mapping with a neighbour. std::nullopt where smaps cannot be
// read.
std::optional<uint64_t> anonymous_huge_bytes(std::span<const std::byte> memory);

}  // namespace weighbridge
