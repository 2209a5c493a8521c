// What the first use of a mapped page costs where its memory is certainly there.
#pragma once

#include <cstdint>

namespace weighbridge {

// Processor time a page, in nanoseconds, over 32 pages of a memfd_create(2) that were written and then mapped with
// MAP_POPULATE: next to nothing as a rule, and microseconds in virtual machines whose host keeps shadow page tables, which
// learn of a mapping at its first use. 0 where it cannot be asked.
int64_t first_use_ns() noexcept;

}  // namespace weighbridge
