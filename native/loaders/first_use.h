// What the first use of a mapped page costs where its memory is certainly there.
#pragma once

#include <cstdint>
#include <optional>

namespace weighbridge {

// Processor time a page, in nanoseconds, over 32 pages of a memfd_create(2) that were written and then mapped with
// MAP_POPULATE: next to nothing as a rule, and microseconds in virtual machines whose host keeps shadow page tables, which
// learn of a mapping at its first use. Nothing where it cannot be asked: no memfd, no memory.
std::optional<int64_t> first_use_ns() noexcept;

// Of a first use that cost so much: from a microsecond on, nothing else is told by its time.
constexpr bool first_uses_cost(std::optional<int64_t> first_use) noexcept { return first_use && *first_use >= 1000; }

}  // namespace weighbridge
